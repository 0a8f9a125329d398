"""Every number of the published examples that the measures offer, to the digits that were published."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from contract.measures import Level
from flows.measures.compute import compute_measures
from tests.support.commands import ROOT
from tests.support.verdicts import comparison, estimates, people_rows, rows, spec

EXAMPLES: list[dict[str, Any]] = json.loads(
    (ROOT / "tests" / "data" / "agreement.json").read_text(encoding="utf-8"), parse_float=Decimal
)
OFFERED: dict[str, tuple[str, str, Level]] = {
    "percent": ("all_models", "percent_agreement", "nominal"),
    "observed": ("all_models", "percent_agreement", "nominal"),
    "percent_gwet_missing": ("all_models", "percent_agreement", "nominal"),
    "cohen_kappa": ("models", "cohen_kappa", "nominal"),
    "weighted_kappa_linear": ("models", "weighted_kappa", "ordinal"),
    "fleiss_kappa": ("all_models", "fleiss_kappa", "nominal"),
    "fleiss_kappa_gwet_missing": ("all_models", "fleiss_kappa", "nominal"),
    # For two raters, Fleiss' kappa is Scott's pi.
    "scott_pi": ("all_models", "fleiss_kappa", "nominal"),
    "gwet_ac1": ("all_models", "gwet_ac1", "nominal"),
    "gwet_ac2_quadratic": ("all_models", "gwet_ac2", "ordinal"),
    "brennan_prediger": ("all_people", "brennan_prediger", "nominal"),
    # For two raters, Bennett's S is Brennan and Prediger's coefficient; for several, Randolph's free kappa is.
    "bennett_s": ("all_people", "brennan_prediger", "nominal"),
    "randolph_kappa_free": ("all_people", "brennan_prediger", "nominal"),
    "krippendorff_nominal": ("all_models", "krippendorff_alpha", "nominal"),
    "krippendorff_ordinal": ("all_models", "krippendorff_alpha", "ordinal"),
    "krippendorff_interval": ("all_models", "krippendorff_alpha", "interval"),
    "krippendorff_ratio": ("all_models", "krippendorff_alpha", "ratio"),
}
NOT_OFFERED = {
    "conger_kappa", "category_kappa",
    "expected", "expected_cohen", "weighted_kappa(d=[[0,1,.5],[1,0,.5],[.5,.5,0]])", "krippendorff_weighted(same d)",
    "cohen_kappa_se", "weighted_kappa_linear_se", "se_under_h0", "z", "p_two_sided", "ci95_low", "ci95_high",
}  # fmt: skip
CUT_OFF = {("artstein-poesio-2", "scott_pi")}
"""0.799532 is printed there as 0.799: cut off, not rounded."""


def _numbers() -> Iterator[Any]:
    for example in EXAMPLES:
        for source in ("answers", "recomputed"):
            for name, number in example[source].items():
                if name in OFFERED:
                    yield pytest.param(example, name, Decimal(number), id=f"{example['id']}-{name}-{source}")


def _raters(example: dict[str, Any]) -> dict[str, list[str | None]]:
    """Rater -> that rater's label for each unit, as text."""
    data = example["data"]
    if example["shape"] == "contingency":
        pairs = [(r, c) for r, row in enumerate(data) for c, number in enumerate(row) for _ in range(number)]
        units: list[list[Any]] = [[first + 1, second + 1] for first, second in pairs]
    elif example["shape"] == "units_x_category_counts":
        units = [[code + 1 for code, number in enumerate(row) for _ in range(number)] for row in data]
    else:
        units = data
    return {
        f"rater {place}": [None if unit[place] is None else str(unit[place]) for unit in units]
        for place in range(len(units[0]))
    }


def _value(example: dict[str, Any], name: str) -> float:
    kind, measured, level = OFFERED[name]
    labels_by_rater = _raters(example)
    order = sorted({label for labels in labels_by_rater.values() for label in labels if label is not None})
    weights = "quadratic" if name.endswith("quadratic") else "linear"
    measures = spec(level=level, order=order if level == "ordinal" else (), weights=weights, truth="label")
    judged = people_rows(labels_by_rater) if kind == "all_people" else rows(labels_by_rater)
    found = compute_measures(judged, measures)
    value = estimates(comparison(found, kind))[measured].value
    assert value is not None
    return value


@pytest.mark.parametrize(("example", "name", "published"), _numbers())
def test_a_published_number(example: dict[str, Any], name: str, published: Decimal) -> None:
    digits = -int(published.as_tuple().exponent)
    value = Decimal(repr(_value(example, name)))
    if (example["id"], name) in CUT_OFF and digits == 3:
        assert published <= value < published + Decimal("0.001")
    else:
        assert round(value, digits) == published


def test_every_published_number_is_checked_or_known_not_to_be_offered() -> None:
    published = {name for example in EXAMPLES for source in ("answers", "recomputed") for name in example[source]}
    assert published == set(OFFERED) | NOT_OFFERED
