"""Several people: each pair, all of them, each with each model, with what most say and with what was decided."""

# The libraries have no types.
# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false

from __future__ import annotations

import random
from itertools import combinations
from pathlib import Path
from typing import Any

import krippendorff
import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import fleiss_kappa

from contract.measures import Measures
from contract.record import Record
from flows.measures.compute import compute_measures
from flows.tables.ground_truth import GroundTruth
from tests.support.verdicts import comparison, estimates, people_rows, row, spec

VERDICTS = ["low", "middle", "high"]
PEOPLE = ("ana", "ben", "cleo")


def made_verdicts(records: int = 60, missing: float = 0.0) -> dict[str, list[str | None]]:
    """What three people said, mostly the same."""
    drawn = random.Random(19)
    truth = [drawn.choice(VERDICTS) for _ in range(records)]
    said = [[verdict if drawn.random() < 0.7 else drawn.choice(VERDICTS) for verdict in truth] for _ in PEOPLE]
    gaps = [[None if drawn.random() < missing else verdict for verdict in own] for own in said]
    return dict(zip(PEOPLE, gaps, strict=True))


def codes(own: list[str | None]) -> list[float]:
    return [np.nan if verdict is None else float(VERDICTS.index(verdict)) for verdict in own]


def close(value: float | None, expected: float) -> bool:
    return value is not None and abs(value - expected) < 1e-9


@pytest.mark.parametrize("weights", ["linear", "quadratic"])
def test_each_pair_of_people_equals_the_libraries(weights: str) -> None:
    said = made_verdicts()
    measures = spec(truth="label", level="ordinal", order=VERDICTS, weights=weights)
    found = compute_measures(people_rows(said), measures)
    for one, other in combinations(PEOPLE, 2):
        values = estimates(comparison(found, "people", one, other))
        first, second = codes(said[one]), codes(said[other])
        assert close(values["cohen_kappa"].value, cohen_kappa_score(first, second))
        assert close(values["weighted_kappa"].value, cohen_kappa_score(first, second, weights=weights))
        alpha: Any = krippendorff.alpha([first, second], value_domain=[0, 1, 2], level_of_measurement="ordinal")
        assert close(values["krippendorff_alpha"].value, alpha)
        agreed = float(np.mean(np.equal(first, second)))
        assert close(values["percent_agreement"].value, agreed)
        assert close(values["brennan_prediger"].value, (agreed - 1 / 3) / (2 / 3))


def test_all_people_at_once_equal_the_libraries_and_gaps_are_allowed() -> None:
    said = made_verdicts()
    counts = np.array([[own.count(verdict) for verdict in VERDICTS] for own in zip(*said.values(), strict=True)])
    found = compute_measures(people_rows(said), spec(truth="label"))
    values = estimates(comparison(found, "all_people"))
    nominal: Any = krippendorff.alpha(value_counts=counts, level_of_measurement="nominal")
    assert close(values["fleiss_kappa"].value, float(fleiss_kappa(counts)))
    assert close(values["krippendorff_alpha"].value, nominal)
    gaps = made_verdicts(missing=0.3)
    one = comparison(compute_measures(people_rows(gaps), spec(truth="label")), "all_people")
    alpha: Any = krippendorff.alpha([codes(own) for own in gaps.values()], level_of_measurement="nominal")
    assert close(estimates(one)["krippendorff_alpha"].value, alpha)
    assert one.records == sum(sum(v is not None for v in own) >= 2 for own in zip(*gaps.values(), strict=True))


def test_ac2_is_ac1_where_only_equal_verdicts_agree_and_intervals_hold_the_value() -> None:
    said = {name: [verdict for verdict in own if verdict != "middle"] for name, own in made_verdicts().items()}
    shortest = min(map(len, said.values()))
    two = {name: own[:shortest] for name, own in said.items()}
    measures = spec(truth="label", level="ordinal", order=["low", "high"], resamples=200)
    values = estimates(comparison(compute_measures(people_rows(two), measures), "all_people"))
    assert close(values["gwet_ac2"].value, values["gwet_ac1"].value or 0)
    for name in ("gwet_ac2", "brennan_prediger", "fleiss_kappa"):
        one = values[name]
        assert one.low is not None and one.value is not None and one.high is not None
        assert one.low < one.value < one.high


def test_models_with_each_person_with_most_people_and_with_what_was_decided() -> None:
    said: dict[str, list[str | None]] = {
        "ana": ["x", "x", "y", "y"],
        "ben": ["x", "y", "y", "x"],
        "cleo": ["x", "x", "y", None],
    }
    decided = ["x", "y", "y", "x"]
    judged = people_rows(said, ["x", "x", "x", "x"])
    judged = [row(one.record_id, one.model, one.verdict, decided[n], people=one.people) for n, one in enumerate(judged)]
    found = compute_measures(judged, spec(truth="gold/study.jsonl"))
    agreed = {
        (one.kind, one.raters[0] if one.kind == "person" else one.raters[-1]): (one.records, value.value)
        for one in found.comparisons
        for value in one.estimates
        if value.measure == "percent_agreement"
    }
    assert agreed["person", "ana"] == (4, 0.5) and agreed["person", "cleo"] == (3, 2 / 3)
    assert agreed["majority", "a model"] == (3, 2 / 3), "a tie is nobody's majority"
    assert agreed["people_truth", "ben"] == (4, 1.0) and agreed["people_truth", "ana"] == (4, 0.5)
    assert estimates(comparison(found, "truth"))["accuracy"].value == 0.5


def truth(given: Any, **more: Any) -> GroundTruth:
    return GroundTruth(Measures.model_validate({"verdicts": "judge", "truth": given, **more}), {"rude": ["yes", "no"]})


def record(**ground_truth: Any) -> Record:
    return Record(record_id="r", text="t", ground_truth=ground_truth)


def test_a_wide_table_has_a_field_for_each_person_and_ties_are_told() -> None:
    wide = truth(["ana", "ben", "cleo"])
    most = record(ana="yes", ben="Yes ", cleo="no")
    assert wide.people(most, "rude") == {"ana": "yes", "ben": "yes", "cleo": "no"}
    reading = wide.read(most, "rude")
    assert reading is not None and (reading.verdict, reading.how) == ("yes", "folded")
    tied = wide.read(record(ana="yes", ben="no", cleo=None), "rude")
    assert tied is not None and (tied.verdict, tied.how) == (None, "tied")


def test_a_long_table_names_the_person_in_a_column() -> None:
    long = truth({"rude": {"field": "label", "coder": "who"}})
    one = record(label=["yes", "no", "no"], of_each_answer={"who": [7, 9, "ana"]})
    assert long.people(one, "rude") == {"7": "yes", "9": "no", "ana": "no"}
    reading = long.read(one, "rude")
    assert reading is not None and reading.verdict == "no"


def test_each_criterion_has_labels_of_its_own() -> None:
    measures = Measures.model_validate(
        {
            "verdicts": "judge",
            "truth": {
                "rude": {"field": "code", "labels": {"1": "yes", "2": "no"}, "missing": ["9"]},
                "kind": {"field": ["a", "b"], "labels": {"1": "no", "2": "yes"}},
            },
        }
    )
    both = GroundTruth(measures, {"rude": ["yes", "no"], "kind": ["yes", "no"]})
    one = record(code=1, a=1, b=1)
    rude, kind = both.read(one, "rude"), both.read(one, "kind")
    assert rude is not None and rude.verdict == "yes"
    assert kind is not None and kind.verdict == "no" and both.people(one, "kind") == {"a": "no", "b": "no"}
    missing = both.read(record(code=9), "rude")
    assert missing is not None and missing.how == "missing"


@pytest.mark.parametrize("mapped", [{}, {"ground_truth.annotator_id": "annotator_id"}])
def test_a_table_with_a_row_for_each_annotator_gives_each_of_them(tmp_path: Path, mapped: dict[str, str]) -> None:
    from contract.storage import FileStorage
    from flows.storage.reader import read_source

    table = tmp_path / "long.csv"
    table.write_text(
        "comment_id,annotator_id,text,hatespeech\n101,1,Vermin,2.0\n101,2,Vermin,2.0\n101,3,Vermin,1.0\n"
        "102,1,Nice,0.0\n103,2,Go,2.0\n103,3,Go,0.0\n"
    )
    columns = {"record_id": "comment_id", "ground_truth.violating": "hatespeech", **mapped}
    found = [
        one for one in read_source(FileStorage(path=table, columns=columns, rows="answers")) if isinstance(one, Record)
    ]
    measures = {"labels": {"2": "yes", "1": "no", "0": "no"}}
    people = truth({"rude": {"field": "violating", "coder": "annotator_id"}}, **measures)
    assert {one.record_id: people.people(one, "rude") for one in found} == {
        "101": {"1": "yes", "2": "yes", "3": "no"},
        "102": {"1": "no"},
        "103": {"2": "yes", "3": "no"},
    }
    readings = {one.record_id: people.read(one, "rude") for one in found}
    assert {name: (one.verdict, one.how) for name, one in readings.items() if one} == {
        "101": ("yes", "folded"),
        "102": ("no", "alike"),
        "103": (None, "tied"),
    }
