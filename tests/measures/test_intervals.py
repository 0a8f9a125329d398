"""Intervals: resampled by record from a seed, separately for each comparison, and right as often as they claim."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import bootstrap  # type: ignore[reportMissingTypeStubs, reportUnknownVariableType]

from flows.measures.bca import NO_SPREAD_REASON, bca_interval
from flows.measures.compute import compute_measures
from flows.measures.results import Comparison, MeasureResults
from tests.support.verdicts import comparison, estimates, estimates_against_truth, estimates_of_two_models, rows, spec

COHEN = {  # Example, its two-way table, and the published standard error of Cohen's kappa.
    "abstractors": ([[13, 0, 0], [0, 20, 7], [0, 4, 56]], 0.05891072),
    "sas": ([[0, 4, 1], [0, 8, 0], [0, 1, 5]], 0.1380),
}
VERDICTS = {"a": list("xyxxyxyyxxyxyyxyxyxy"), "b": list("xyxyyxyyxxxxyyxyxxxy"), "c": list("yyxyyxyxxxxxyyxxxxyy")}


def measured(models: str = "abc", **fields: object) -> MeasureResults:
    verdicts = {model: VERDICTS[model] for model in models}
    return compute_measures(
        rows(verdicts, list("xyxxyxyyxxyxyyxyxyxx")), spec(truth="label", positive="x", resamples=200, **fields)
    )


def test_the_same_seed_gives_the_same_intervals_and_another_one_others() -> None:
    assert measured() == measured()
    assert measured().comparisons != measured(seed=1).comparisons


def test_another_model_does_not_change_the_intervals_of_the_others() -> None:
    def without_third(found: MeasureResults) -> list[Comparison]:
        return [one for one in found.comparisons if one.kind != "all_models" and "c" not in one.raters]

    assert without_third(measured("ab")) == without_third(measured("abc"))
    assert len(without_third(measured("abc"))) == 3


def test_the_order_of_rows_does_not_matter() -> None:
    verdicts = rows({model: VERDICTS[model] for model in "abc"}, VERDICTS["a"])
    asked = spec(truth="label", resamples=100)
    assert compute_measures(verdicts, asked) == compute_measures(verdicts[::-1], asked)


def test_the_value_lies_within_its_interval() -> None:
    for one in measured().comparisons:
        for estimate in one.estimates:
            assert estimate.value is not None
            if estimate.interval_undefined is None:
                assert estimate.low is not None and estimate.high is not None
                assert estimate.low <= estimate.value <= estimate.high


def test_the_bounds_are_those_of_scipy_where_the_resamples_are_the_same() -> None:
    data = np.array([0, 0, 0, 1, 1, 1, 1, 1, 2, 5], dtype=np.float64)
    expected: Any = bootstrap((data,), np.mean, method="BCa", n_resamples=3000, rng=np.random.default_rng(3))
    left_out = np.array([np.delete(data, n).mean() for n in range(len(data))])
    found = bca_interval(
        float(data.mean()), expected.bootstrap_distribution, left_out, np.ones(len(data), dtype=np.int64), 0.95
    )
    assert found.low == pytest.approx(expected.confidence_interval.low)
    assert found.high == pytest.approx(expected.confidence_interval.high)


def test_agreement_without_exception_has_no_interval() -> None:
    found = estimates_of_two_models(list("xyxyxyxy"), list("xyxyxyxy"), resamples=200)
    assert found["krippendorff_alpha"].value == 1
    assert found["krippendorff_alpha"].low is None
    assert found["krippendorff_alpha"].interval_undefined == NO_SPREAD_REASON


def test_more_confidence_is_a_wider_interval() -> None:
    widths = [
        estimates(comparison(measured(confidence=confidence), "models", "a", "b"))["cohen_kappa"]
        for confidence in (0.5, 0.9, 0.99)
    ]
    spans = [(one.high or 0) - (one.low or 0) for one in widths]
    assert spans == sorted(spans) and spans[0] < spans[-1]


def test_no_resamples_no_intervals() -> None:
    without = compute_measures(rows({model: VERDICTS[model] for model in "ab"}), spec(resamples=0))
    assert all(one.low is None and one.interval_undefined is None for c in without.comparisons for one in c.estimates)


@pytest.mark.parametrize("example", COHEN)
def test_an_interval_is_as_wide_as_the_published_standard_error_says(example: str) -> None:
    table, error = COHEN[example]
    pairs = [(str(r), str(c)) for r, line in enumerate(table) for c, number in enumerate(line) for _ in range(number)]
    kappa = estimates_of_two_models([a for a, _ in pairs], [b for _, b in pairs], resamples=5000)["cohen_kappa"]
    assert kappa.low is not None and kappa.high is not None
    assert (kappa.high - kappa.low) / (2 * 1.959964) == pytest.approx(error, rel=0.15)


def test_an_interval_of_90_percent_holds_the_true_value_about_nine_times_in_ten() -> None:
    generator = np.random.default_rng(7)
    held = 0
    for study in range(200):
        right = generator.random(150) < 0.7
        verdicts = ["y" if hit else "n" for hit in right]
        one = estimates_against_truth(["y"] * 150, verdicts, positive=None, resamples=200, confidence=0.9, seed=study)[
            "accuracy"
        ]
        assert one.low is not None and one.high is not None
        held += one.low <= 0.7 <= one.high
    assert 0.82 <= held / 200 <= 0.96
