"""Comparisons: which raters are compared, in which groups, and how the results are written and summarised."""

from __future__ import annotations

import csv
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from flows.measures import catalogue
from flows.measures.compute import NO_GROUP, compute_measures
from flows.measures.summary import summarise_verdicts
from flows.measures.write import CONFUSION_COLUMNS, MEASURE_COLUMNS, write_measures
from flows.tables.judges import Judges
from flows.tables.verdict_row import VerdictRow
from tests.support.verdicts import comparison, estimates, row, rows, spec

JUDGES = ("alpha", "beta", "gamma")
BOTH = {"one": "label", "two": "label"}


def study() -> list[VerdictRow]:
    """Two criteria, three models, three repeats of each, twelve records from two sources and none."""
    sources = ("press", "forum", None)
    return [
        row(
            f"r{number}",
            model,
            "yes" if (number + place * repeat) % 3 else "no",
            "yes" if number % 3 else "no",
            criteria=criteria,
            repeat=repeat,
            groups={"source": sources[number % 3]},
        )
        for criteria, (place, model), repeat, number in product(("one", "two"), enumerate(JUDGES), range(3), range(12))
    ]


def test_every_comparison_is_made_once() -> None:
    found = compute_measures(study(), spec(truth=BOTH, by=("source",)))
    groups = [("", ""), ("source", NO_GROUP), ("source", "forum"), ("source", "press")]
    identities = [(one.kind, one.criteria, one.by, one.group, one.raters) for one in found.comparisons]
    assert len(identities) == len(set(identities)) == 2 * len(groups) * (3 + 3 + 1 + 3)
    assert {(one.by, one.group) for one in found.comparisons} == set(groups)
    assert {one.kind for one in found.comparisons} == {"truth", "models", "all_models", "repeats"}


def test_the_groups_of_a_field_share_out_the_records() -> None:
    found = compute_measures(study(), spec(truth=BOTH, by=("source",)))
    for one in found.comparisons:
        assert one.records == (4 if one.by else 12)


def test_demonstration_judges_that_go_by_the_same_examples_are_one_judge() -> None:
    examples = [{"verdict": verdict} for verdict in ("yes", "no") for _ in range(3)]
    manifest = {
        "models": {"demo": {"kind": "embedded"}, "demo_average": {"kind": "embedded"}, "gpt": {"kind": "hosted"}},
        "fingerprints": {name: {"fingerprint": name} for name in ("demo", "demo_average", "gpt")},
        "criteria": {"few": {"examples": examples}, "many": {"examples": [*examples, {"verdict": "yes"}]}},
    }
    verdicts = {"demo": "yes", "demo_average": "yes", "gpt": "no"}
    judged = [
        row(f"r{number}", model, verdict if number else "no", criteria=criteria)
        for criteria, number, (model, verdict) in product(("few", "many"), range(6), verdicts.items())
    ]
    found = compute_measures(judged, spec(), Judges.of_run(manifest))
    few = estimates(comparison(found, "models", "demo", "demo_average", criteria="few"))
    assert {estimate.value for estimate in few.values()} == {None}
    assert "demo and demo_average are one judge by this criterion" in str(few["krippendorff_alpha"].undefined)
    assert comparison(found, "all_models", criteria="few").raters == ("demo", "gpt")
    assert estimates(comparison(found, "models", "demo", "gpt", criteria="few"))["percent_agreement"].value == 1 / 6
    many = estimates(comparison(found, "models", "demo", "demo_average", criteria="many"))
    assert many["percent_agreement"].value == 1
    assert comparison(found, "all_models", criteria="many").raters == ("demo", "demo_average", "gpt")


def test_the_first_answer_is_compared_with_others_and_all_with_each_other() -> None:
    found = compute_measures(study(), spec(truth=BOTH))
    first = comparison(found, "truth", "gamma", criteria="one")
    assert estimates(first)["accuracy"].value == 1
    again = comparison(found, "repeats", "gamma repeat 1", criteria="one")
    assert again.raters == ("gamma repeat 1", "gamma repeat 2", "gamma repeat 3")
    assert estimates(again)["percent_agreement"].value == 1 / 3
    alike = comparison(found, "repeats", "alpha repeat 1", criteria="one")
    assert estimates(alike)["fleiss_kappa"].value == 1


def test_confusion_holds_every_record_once() -> None:
    found = compute_measures(
        rows({"a": ["y", "u", None, "n"]}, ["y", "y", "y", "n"]), spec(truth="label", positive="y")
    )
    one = comparison(found, "truth")
    assert one.confusion == {
        "n": {"n": 1, "u": 0, "y": 0},
        "u": {"n": 0, "u": 0, "y": 0},
        "y": {"n": 0, "u": 1, "y": 1},
    }
    assert one.records == 3


def test_every_estimate_is_a_line_of_measures_csv(tmp_path: Path) -> None:
    found = compute_measures(study(), spec(truth=BOTH, by=("source",), resamples=20))
    write_measures(tmp_path, found)
    lines = _read(tmp_path / "measures.csv")
    written = [(line["kind"], line["group"], line["raters"], line["measure"], line["value"]) for line in lines]
    assert written == [
        (
            one.kind,
            one.group,
            " × ".join(one.raters),
            e.measure,
            "" if e.value is None else repr(float(f"{e.value:.12g}")),
        )
        for one in found.comparisons
        for e in one.estimates
    ]
    assert tuple(lines[0]) == MEASURE_COLUMNS
    undefined = [line for line in lines if line["value"] == ""]
    assert undefined and all(line["undefined"] for line in undefined)
    confusions = _read(tmp_path / "confusion.csv")
    assert tuple(confusions[0]) == CONFUSION_COLUMNS
    assert sum(int(line["records"]) for line in confusions) == sum(
        one.records for one in found.comparisons if one.kind == "truth"
    )


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_two_models_have_one_value_and_one_interval_wherever_they_are_compared() -> None:
    judged = rows({"a": [*"yynynnyuynyyny", None], "b": [*"yynnnnyyyuyynyy"]})
    judged = [replace(one, groups={"source": "press"}) for one in judged]
    found = compute_measures(judged, spec(resamples=200, by=("source",)))
    compared = [one for one in found.comparisons if one.kind in ("models", "all_models")]
    assert len(compared) == 4
    for measure in ("percent_agreement", "krippendorff_alpha", "gwet_ac1"):
        seen = {(e.value, e.low, e.high) for one in compared for e in one.estimates if e.measure == measure}
        assert len(seen) == 1, measure


def test_a_summary_counts_every_cell_once() -> None:
    judged = [*rows({"a": ["y", "n", None], "b": ["y", "y", "y"]}, ["y", "n", "y"])]
    judged.append(row("9", "a", None, status="refused"))
    summaries = summarise_verdicts(judged, compute_measures(judged, spec(truth="label", positive="y")))
    assert [(one.model, one.verdicts, one.without_verdict) for one in summaries] == [
        ("a", {"n": 1, "y": 1}, {"failed": 1, "refused": 1}),
        ("b", {"y": 3}, {}),
    ]
    assert summaries[0].records == 2 and summaries[0].accuracy is not None and summaries[0].accuracy.value == 1
    assert sum(sum(one.verdicts.values()) + sum(one.without_verdict.values()) for one in summaries) == len(judged)


def test_a_summary_without_ground_truth_has_no_scores() -> None:
    judged = rows({"a": ["y", "n"]})
    [summary] = summarise_verdicts(judged, compute_measures(judged, spec()))
    assert (summary.records, summary.accuracy, summary.cohen_kappa) == (None, None, None)


def test_the_method_names_what_a_reader_needs_to_repeat_it() -> None:
    method = compute_measures([], spec(resamples=500, confidence=0.9, seed=3)).method
    assert "500 resamples" in method and "at 90 %" in method and "seed 3" in method
    assert "scikit-learn 1." in method and "krippendorff 0." in method and "Gwet (2008)" in method


def test_tables_too_large_for_the_libraries_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    for level in ("nominal", "ordinal", "interval", "ratio"):
        judged = rows({"a": list("1223"), "b": list("1233"), "c": list("1123")}, list("1223"))
        measures = spec(truth="label", positive="2", level=level, order=("1", "2", "3"))
        with monkeypatch.context() as patched:
            patched.setattr(catalogue, "_MAX_LIBRARY_NUMBERS", 0)
            ours = compute_measures(judged, measures)
        for small, large in zip(compute_measures(judged, measures).comparisons, ours.comparisons, strict=True):
            values = {one.measure: one.value for one in large.estimates}
            assert {one.measure: one.value for one in small.estimates} == pytest.approx(values)
