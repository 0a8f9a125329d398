"""The experts' reasons: which share of them the answers of each judge give."""

from __future__ import annotations

from dataclasses import replace

from flows.measures.reasons import reason_comparisons
from flows.tables.scores import ScoreRow
from tests.support.verdicts import spec


def scored(judge: str, *found: int, expected: int = 2) -> list[ScoreRow]:
    return [ScoreRow(f"r{number}", "one", judge, "score", count, expected) for number, count in enumerate(found)]


def test_each_judge_has_the_share_of_all_reasons_and_an_interval_over_records() -> None:
    found = list(reason_comparisons([*scored("a", 2, 1, 0, 1, 2), *scored("b", 0, 0)], spec(resamples=200)))
    first, second = (one.estimates[0] for one in found)
    assert [one.raters for one in found] == [("experts", "a"), ("experts", "b")]
    assert first.value == 0.6 and first.low is not None and first.high is not None
    assert first.low < 0.6 < first.high
    assert second.value == 0 and second.low is None and second.interval_undefined


def test_reasons_are_compared_with_answers_on_the_criterion_that_people_judged_by() -> None:
    rows = [*scored("a", 1, 2), *(replace(row, criteria="other") for row in scored("a", 0, 0))]
    for truth, measured in (({"one": "violating"}, ["one"]), ("violating", []), (None, ["one", "other"])):
        found = reason_comparisons(rows, spec(resamples=0, truth=truth))
        assert [one.criteria for one in found] == measured
    assert [one.criteria for one in reason_comparisons(rows[:2], spec(resamples=0, truth="violating"))] == ["one"]


def test_no_scores_no_comparisons() -> None:
    assert list(reason_comparisons([], spec())) == []
