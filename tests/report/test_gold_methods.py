"""The methods paragraph says what a gold set consists of, since corrections are no sample."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from contract.gold import GoldEntry, How
from contract.messages import AgentTrace
from flows.files.gold_set import with_gold
from flows.run_folder.derive import derive
from tests.support.traces import cell, judgement, record, spec, write_run

CHOSEN = "chosen by those who looked at the models’ verdicts, mostly where one seemed wrong"


def judged(number: int, how: How, votes: Mapping[str, str] | None = None) -> AgentTrace:
    """A judgement of a record that people decided on."""
    entry = GoldEntry(record_id=f"r{number}", criterion="ordinary", verdict="violates", how=how, votes=votes or {})
    of = with_gold(record(number), {"ordinary": entry})
    value = judgement(of, "violates", "ordinary", "alpha")
    return cell(of, {"criteria": "ordinary", "model": "alpha"}, value=value)


ALONE = (
    "a gold set of corrections alone (gold.jsonl, version 5, digest abc), in place of answers of the data. "
    f"They were {CHOSEN}, so agreement with them says nothing of the whole."
)


@pytest.mark.parametrize(
    ("how", "said", "unsaid"),
    [
        ({"corrected": 3, "open": 2}, ALONE, "decided on"),
        ({"agreed": 2, "corrected": 1}, f"Of its 3 decisions, 1 is a correction, {CHOSEN}.", "nothing of the whole"),
        ({"agreed": 3, "open": 7}, "On 7 more its coders differ and nobody has decided; without these,", "correction"),
        ({"agreed": 3}, "a gold set that people decided on (gold.jsonl", "correction"),
    ],
)
def test_corrections_are_named_as_such_and_verdicts_are_read_by_no_label(
    how: dict[str, int], said: str, unsaid: str, tmp_path: Path
) -> None:
    gold = {"path": "gold/gold.jsonl", "version": 5, "digest": "abc", "how": how}
    made: tuple[How, ...] = ("corrected", "agreed", "agreed")
    # By this label of the data a verdict would be another one.
    measures = spec(truth="gold/gold.jsonl", labels={"violates": "allowed", "true": "violates"}, resamples=0)
    derive(write_run(tmp_path, [judged(n, one) for n, one in enumerate(made)], measures, gold=gold))
    report = (tmp_path / "report.md").read_text(encoding="utf-8")
    [methods] = [line for line in report.splitlines() if "People’s answers were taken from" in line]
    assert said in methods and unsaid not in methods and "reading" not in methods
    assert "violates" in (tmp_path / "verdicts.csv").read_text(encoding="utf-8")


WEIGHTED = "kept with each decision; shares of the whole need each record weighted by the inverse of its own."


@pytest.mark.parametrize(
    ("groups", "unknown", "said"),
    [
        (
            [[0.25, 40]],
            0,
            "The 40 records that people coded were drawn at random, each with the same inclusion probability of 0.25, "
            "kept with each decision.",
        ),
        (
            [[0.05, 20], [0.5, 1]],
            2,
            "The 21 records that people coded were drawn at random in strata, with inclusion probabilities of 0.05 "
            f"(20 records) and 0.5 (1 record), {WEIGHTED} Of 2 further records it is not known how they came into the "
            "sample.",
        ),
        ([[one / 10, 2] for one in range(1, 8)], 0, f"with inclusion probabilities from 0.1 to 0.7, {WEIGHTED}"),
        ([[1.0, 3]], 0, "The 3 records that people coded are all that there were to draw from."),
    ],
)
def test_methods_and_the_page_on_people_say_how_records_were_drawn(
    groups: list[list[float]], unknown: int, said: str, tmp_path: Path
) -> None:
    known = {"inclusion": {"groups": groups, "unknown": unknown}}
    gold = {"path": "gold/gold.jsonl", "version": 5, "digest": "abc", "how": {"agreed": 3}, **known}
    traces = [judged(number, "agreed", {"ana": "violates", "ben": "violates"}) for number in range(3)]
    derive(write_run(tmp_path, traces, spec(truth="gold/gold.jsonl", resamples=0), gold=gold))
    report = (tmp_path / "report.md").read_text(encoding="utf-8")
    [methods] = [line for line in report.splitlines() if "People’s answers were taken from" in line]
    assert said in methods
    people = (tmp_path / "report.html").read_text(encoding="utf-8").partition('<section id="people">')[2]
    assert said in people.partition("</section>")[0]


def test_a_gold_set_without_probabilities_says_nothing_of_a_draw(tmp_path: Path) -> None:
    groups = list[list[float]]()
    gold = {"path": "g.jsonl", "version": 5, "digest": "abc", "inclusion": {"groups": groups, "unknown": 3}}
    derive(write_run(tmp_path, [judged(0, "agreed")], spec(truth="gold/gold.jsonl", resamples=0), gold=gold))
    assert "coded were drawn" not in (tmp_path / "report.md").read_text(encoding="utf-8")
