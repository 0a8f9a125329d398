"""Codebooks in a flow: what `truth`, the measures and a count of votes may name, told before any call."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from contract.errors import StudyError
from flows.compose.compose import compose
from tests.support.commands import write_files

FLOW = """\
description: How letters speak.
records: letters
steps:
  judge:
    agent: judge
    parameters: {criteria: parl, model: m}
measures:
  verdicts: judge
  truth:
    parl.tone: tone
    parl.count: number
"""
CODEBOOK = """\
---
title: Speeches
codebook:
  tone: {type: choice, options: [harsh, kind], positive: harsh}
  count: {type: number, minimum: 0}
---
Go by what is said.
"""
LETTER = {"record_id": "1", "text": "A speech.", "ground_truth": {"tone": "kind", "number": 2}}
LONG = "record_id,text,code,annotator\n1,A.,kind,a\n1,A.,harsh,b\n2,B.,kind,a\n2,B.,kind,b\n"
FILES: dict[str, str | bytes] = {
    "flows/mine.yaml": FLOW,
    "storage/letters.yaml": "letters: {type: file, path: letters.jsonl}\n",
    "letters.jsonl": json.dumps(LETTER) + "\n",
    "storage/long.yaml": "long: {type: file, path: long.csv, rows: answers, columns: {ground_truth.tone: code}}\n",
    "long.csv": LONG,
    "criteria/parl.md": CODEBOOK,
    "criteria/other.md": CODEBOOK,
    "criteria/rude.md": "---\nverdicts: [rude, civil]\n---\nIs it rude?\n",
    "models/m.yaml": "m: {kind: scripted, path: m.jsonl}\n",
    "m.jsonl": '{"reply": "no"}\n',
}


def told(folder: Path, flow: str = FLOW, *words: str, codebook: str = CODEBOOK, **files: str) -> list[str]:
    """The mistakes of a study with that flow and that codebook, or its notes."""
    more = {name.replace("__", "/").replace("_csv", ".csv"): text for name, text in files.items()}
    write_files(folder, {**FILES, "flows/mine.yaml": flow, "criteria/parl.md": codebook, **more})
    try:
        [study] = compose(["mine"], list(words), folder)
    except StudyError as error:
        return [str(one) for one in error.problems]
    return [f"note: {one}" for one in study.notices]


def test_the_study_itself_has_no_mistake(tmp_path: Path) -> None:
    assert told(tmp_path) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "parl.count", "parl.cuont",
            "flows/mine.yaml:11: `truth` names 'parl.cuont', but the codebook of 'parl' has no variable 'cuont'; "
            "did you mean 'parl.count'?; it has parl.count, parl.tone",
        ),
        ("parl.count", "other.cuont", "flows/mine.yaml:11: `truth` names 'other.cuont', but the codebook of 'other'"),
        ("parl.tone", "parl", "flows/mine.yaml:10: `truth` names 'parl', which has a codebook"),
        (
            "parl.tone", "pral.tone",
            "flows/mine.yaml:10: `truth` names 'pral.tone', and there is no criterion of that name; did you mean "
            "'parl.tone'?",
        ),
        (
            "parl.tone: tone", "parl.tone: {field: tone, labels: {nice: kidn}}",
            "flows/mine.yaml:10: by 'parl.tone' no judge here may give 'kidn'; did you mean 'kind'?",
        ),
    ],
)  # fmt: skip
def test_a_name_in_truth_that_there_is_not_is_a_mistake(tmp_path: Path, old: str, new: str, said: str) -> None:
    [mistake] = told(tmp_path, FLOW.replace(old, new))
    assert f"{tmp_path}/{said}" in mistake or mistake.startswith(said)


def test_truth_of_criteria_that_this_run_does_not_judge_by_is_no_mistake(tmp_path: Path) -> None:
    flow = FLOW.replace("parl.count: number", "other.count: number\n    rude: tone")
    assert told(tmp_path, flow) == [
        "note: by 'parl.count' nothing is compared with people: `truth` names no field for it; did you mean "
        "'parl.count' where `truth` has 'other.count'?"
    ]


def of_long_table(coder: str) -> str:
    truth = f"parl.tone: {{field: tone, coder: {coder}}}"
    return FLOW.replace("letters", "long").replace("parl.tone: tone", truth).replace("    parl.count: number\n", "")


def test_a_column_of_coders_that_the_data_lack_is_a_mistake(tmp_path: Path) -> None:
    assert [one for one in told(tmp_path, of_long_table("annotator")) if "coder" in one] == []
    [mistake] = told(tmp_path, of_long_table("anotator"))
    assert "flows/mine.yaml:10: `coder: anotator`, which is to name who answered to 'parl.tone'" in mistake
    assert "did you mean 'annotator'?" in mistake


def test_no_column_is_missed_that_later_rows_or_other_records_may_have(tmp_path: Path) -> None:
    rows = [json.dumps({"record_id": n, "text": f"Text {n}.", "ground_truth": {"tone": "kind"}}) for n in range(1000)]
    rows += [json.dumps({"record_id": 1000, "text": "Last.", "ground_truth": {"tone": "kind"}, "who": "ana"})]
    rows[1] = json.dumps({"record_id": 1, "text": "One.", "ground_truth": {"tone": "kind"}, "ward": "north"})
    late = of_long_table("who").replace("records: long", "records: letters")
    notes = told(tmp_path, late, **{"letters.jsonl": "\n".join(rows) + "\n"})
    assert any("`coder: who`" in one for one in notes) and all(one.startswith("note") for one in notes)
    write_files(tmp_path, {"mine.csv": "record_id,text,code\n1,A.,kind\n"})
    notes = told(
        tmp_path, of_long_table("annotator"), f"records={tmp_path / 'mine.csv'}", "columns.ground_truth.tone=code"
    )
    assert any("`coder: annotator`" in one for one in notes) and all(one.startswith("note") for one in notes)


def test_mistakes_of_truth_are_told_beside_those_of_the_codebook(tmp_path: Path) -> None:
    flow = FLOW.replace("parl.count: number", "parl.cuont: number").replace("tone: tone", "tone: tonne")
    mistakes = told(tmp_path, flow, codebook=CODEBOOK.replace("positive: harsh", "positive: hash"))
    where = ["criteria/parl.md:4: positive is 'hash'", "mine.yaml:10: `truth` names 'tonne'", "mine.yaml:11: `truth`"]
    assert len(mistakes) == 3
    assert all(part in mistake for part, mistake in zip(where, mistakes, strict=True))


def test_a_codebook_that_cannot_be_read_makes_no_mistake_of_truth(tmp_path: Path) -> None:
    for broken in (CODEBOOK.replace("tone: {type: choice,", "tone: {type: chioce,"), CODEBOOK.replace("[harsh", "{[")):
        [mistake] = told(tmp_path, codebook=broken)
        assert "criteria/parl.md:" in mistake


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("positive: harsh", "positive: hersh", ["positive is 'hersh', which is no option; did you mean 'harsh'?"]),
        ("positive: harsh", "positive: [harsh]", ["positive is one of the options, not several; use harsh, kind"]),
        ("type: choice", "type: chioce", ["the type 'chioce' of 'tone' is unknown; did you mean 'choice'?"]),
        ("minimum: 0", "positive: 1", ["a variable of type number has no 'positive'; it has type"]),
    ],
)
def test_what_a_variable_may_not_have_is_told_once(tmp_path: Path, old: str, new: str, said: list[str]) -> None:
    mistakes = told(tmp_path, codebook=CODEBOOK.replace(old, new))
    assert len(mistakes) == len(said)
    assert all(part in mistake for part, mistake in zip(said, mistakes, strict=True))


def test_answers_that_are_no_numbers_are_told_as_such(tmp_path: Path) -> None:
    words = json.dumps({**LETTER, "ground_truth": {"tone": "kind", "number": "a few"}}) + "\n"
    [mistake] = told(tmp_path, **{"letters.jsonl": words})
    assert "people's answers are 'a few', which are no numbers" in mistake
    assert "'labels.a few=missing'; if a number, the number" in mistake and "one of none" not in mistake


@pytest.mark.parametrize("truth", ["", "  truth: {parl.tone: tone}\n"])
def test_a_positive_verdict_of_the_measures_is_none_of_a_codebook(tmp_path: Path, truth: str) -> None:
    flow = FLOW[: FLOW.index("  truth:")] + truth + "  positive: hersh\n"
    [mistake] = [one for one in told(tmp_path, flow) if not one.startswith("note")]
    assert "`positive` is for criteria with verdicts" in mistake and "did you mean 'harsh'?" in mistake
    chosen = flow.replace("criteria: parl", "criteria: rude").replace("hersh", "rude").replace(truth, "")
    assert told(tmp_path, chosen, "criteria=parl") == []


VOTES = """\
description: Votes on how letters speak.
records: letters
steps:
  judge:
    agent: judge
    variants: {criteria: [parl, rude], model: [m]}
  vote:
    agent: majority
    group_by: [criteria]
    inputs: {answers: judge}
    parameters: {tie: rud}
result: vote
"""


def test_votes_on_a_codebook_are_refused_before_the_run(tmp_path: Path) -> None:
    counted, tie = told(tmp_path, VOTES)
    assert "flows/mine.yaml:8: 'vote' counts verdicts, and the criterion 'parl' has a codebook; write" in counted
    assert "flows/mine.yaml:11: 'rud' is no verdict of the criterion 'rude'; did you mean 'rude'?" in tie
    [note] = told(tmp_path, VOTES.replace("[parl, rude]", "[rude]").replace("tie: rud}", "tie: rude}"))
    assert note.startswith("note: 'judge' asks only one model (m), so no vote is taken")
    weighed = VOTES.replace("agent: majority", "agent: verdict_synthesiser").replace("tie: rud", "model: m")
    assert told(tmp_path, weighed) == []
