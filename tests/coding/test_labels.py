"""Labels of other programs: which criterion they answer, which words they mark, and lines that are damaged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from contract.codebook import Variable
from contract.record import Record
from flows.coding.answer_log import read_answers
from flows.coding.task import CodedCriterion, read_task, save_task
from tests.coding.test_round_trip import run
from tests.support.coding import CRITERION, RECORDS, make_coding

FOLDER = Path("coding/study")
TEXT = RECORDS[0].text


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    make_coding(FOLDER)
    return tmp_path


def with_criteria(*criteria: CodedCriterion) -> None:
    found = read_task(FOLDER)
    assert found is not None
    save_task(FOLDER, found[0].model_copy(update={"criteria": criteria}))


def criterion(name: str, *verdicts: str, several: bool = False) -> CodedCriterion:
    variable = Variable(name=name, type="choices", options=verdicts) if several else None
    return CRITERION.model_copy(update={"name": name, "verdicts": verdicts, "variable": variable})


def write_lines(name: str, *entries: dict[str, Any] | str) -> None:
    lines = (entry if isinstance(entry, str) else json.dumps(entry) for entry in entries)
    Path(name).write_text("".join(f"{line}\n" for line in lines))


def kept() -> dict[tuple[str, str], str | None]:
    return {(one.record_id, one.criterion): one.verdict for one in read_answers(FOLDER)}


def test_labels_of_doccano_that_several_criteria_share_need_to_be_told_which_they_answer(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with_criteria(CRITERION, CRITERION.model_copy(update={"name": "harsh"}))
    write_lines("ana.jsonl", {"text": TEXT, "label": ["polite"]})
    code, _, err = run(capsys, "import", "ana.jsonl")
    assert code == 1 and "ana.jsonl:1: 'polite' is a verdict of several criteria, rude, harsh" in err
    assert "write criteria=rude to say" in err and "control" not in err
    code, out, _ = run(capsys, "import", "ana.jsonl", "criteria=harsh")
    assert code == 0 and "1 answer added" in out and kept() == {("r1", "harsh"): "polite"}
    code, _, err = run(capsys, "import", "ana.jsonl", "criteria=hash")
    assert code == 2 and "criteria=hash: this criterion is not coded here; did you mean 'harsh'?" in err
    code, _, err = run(capsys, "import", "ana.jsonl", "criterion=harsh")
    assert code == 2 and "did you mean 'criteria'?" in err


def test_a_table_without_a_column_of_criteria_is_about_the_one_that_is_named(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with_criteria(CRITERION, criterion("harsh", "rude", "polite"))
    Path("coded.csv").write_text("record_id,coder,verdict\nr1,ana,polite\n")
    code, _, err = run(capsys, "import", "coded.csv")
    assert code == 1 and "criterion '' is not coded here" in err
    code, _, _ = run(capsys, "import", "coded.csv", "criteria=harsh")
    assert code == 0 and kept() == {("r1", "harsh"): "polite"}


def test_labels_answer_the_one_criterion_whose_verdicts_they_are(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with_criteria(CRITERION, criterion("topics", "work", "food", "crime", several=True))
    write_lines(
        "ana.jsonl",
        {"text": TEXT, "label": [[0, 7, "Polite"], [8, 16, "food"], [17, 25, "work"]]},
        {"text": RECORDS[1].text, "label": ["rude", "crme"]},
    )
    code, out, err = run(capsys, "import", "ana.jsonl")
    assert code == 1 and "3 answers added" in out and "1 refused" in out
    assert "ana.jsonl:2: 'crme' is a verdict of none of the criteria rude, topics; did you mean 'crime'?" in err
    assert kept() == {("r1", "rude"): "polite", ("r1", "topics"): "work; food", ("r2", "rude"): "rude"}
    words = {one.criterion: [quote.quote for quote in one.quotes] for one in read_answers(FOLDER) if one.quotes}
    assert words == {"rude": ["This is"], "topics": ["the text", "number 1"]}


def test_a_control_of_label_studio_with_another_name_is_known_by_its_labels(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with_criteria(CRITERION, criterion("tone", "warm", "cold"), criterion("end", "warm", "cold"))
    results = [
        {"from_name": "first", "type": "choices", "value": {"choices": ["polite"]}},
        {"from_name": "second", "type": "choices", "value": {"choices": ["cold"]}},
    ]
    entry = {"data": {"text": TEXT}, "annotations": [{"completed_by": "ana", "result": results}]}
    Path("export.json").write_text(json.dumps([entry]))
    code, _, err = run(capsys, "import", "export.json")
    assert code == 1 and kept() == {("r1", "rude"): "polite"}
    assert "'cold' is a verdict of several criteria, tone, end; name the control after its criterion, or write" in err


def test_marked_words_without_a_label_that_is_a_verdict_are_no_silence(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    span = {"from_name": "w", "type": "labels", "value": {"text": "This is", "labels": ["x"]}}
    entry = {"data": {"text": TEXT}, "annotations": [{"completed_by": "ana", "result": [span]}]}
    Path("export.json").write_text(json.dumps([entry]))
    code, _, err = run(capsys, "import", "export.json")
    assert code == 1 and "entry 1, annotation 1: a quotation without a verdict" in err


@pytest.mark.parametrize(
    ("marked", "message"),
    [
        (
            "s is the tex",
            "“s is the tex” stands in the record, but cuts a word; the whole words are “This is the text”",
        ),
        ("Thi", "“Thi” stands in the record, but cuts a word; the whole words are “This”"),
        (
            "This […] the tex",
            "“This […] the tex” stands in the record, but cuts a word; the whole words are “the text”",
        ),
        ("never said", "these words do not stand in the record: “never said”"),
    ],
)
def test_words_that_stand_in_the_record_are_not_called_missing(
    marked: str, message: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("coded.csv").write_text(f"record_id,criterion,coder,verdict,quotes\nr1,rude,ana,rude,{marked}\n")
    code, _, err = run(capsys, "import", "coded.csv")
    assert code == 1 and f"coded.csv:2: {message}" in err


def test_a_text_that_several_records_have_is_no_guess(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_coding(FOLDER, [RECORDS[0], RECORDS[1].model_copy(update={"text": TEXT})])
    write_lines("ana.jsonl", {"text": TEXT, "label": ["rude"]}, {"text": TEXT, "record_id": "r2", "label": ["polite"]})
    code, out, err = run(capsys, "import", "ana.jsonl")
    assert code == 1 and "1 answer added" in out
    assert "ana.jsonl:1: its text is that of r1, r2, and it does not say by `record_id` which is meant" in err
    assert [(one.record_id, one.verdict) for one in read_answers(FOLDER)] == [("r2", "polite")]


def test_a_short_quotation_of_a_long_text_is_called_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    make_coding(FOLDER, [Record(record_id="r1", text="These are many words. " * 50)])
    Path("coded.csv").write_text("record_id,criterion,coder,verdict,quotes\nr1,rude,ana,rude,many words\n")
    code, _, err = run(capsys, "import", "coded.csv")
    assert code == 1 and "“many words” is too short to be looked up in a long text" in err
    assert "quote at least 12 characters" in err


def test_a_line_that_is_damaged_is_refused_and_the_others_are_taken(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    entries = [{"text": record.text, "label": ["rude"]} for record in RECORDS]
    write_lines("ana.jsonl", *entries[:2], json.dumps(entries[2])[:-9], *entries[3:], {"text": TEXT}, "[1]")
    code, out, err = run(capsys, "import", "ana.jsonl")
    assert code == 1 and "4 answers added" in out and "3 refused" in out
    assert "ana.jsonl:3: this line is no JSON, perhaps cut off" in err and "Expecting" not in err
    assert "ana.jsonl:6: this is an entry of neither Label Studio nor doccano: `label`: " in err
    assert "ana.jsonl:7: this is an entry of neither" in err


def test_cells_of_a_table_that_would_be_lost_are_refused(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        "r1,rude,ana,rude,perhaps,", "r2,rude,ana,rude,,soon", "r3,rude,ana,rude,,inf",
        "r4,rude,ana,rude,,4,so, they say", "r5,rude,ana,rude,yes,4.5",
    ]  # fmt: skip
    Path("coded.csv").write_text("\n".join(["record_id,criterion,coder, verdict,unclear,seconds", *rows]))
    code, out, err = run(capsys, "import", "coded.csv")
    assert code == 1 and "1 answer added" in out and "4 refused" in out, (out, err)
    unclear, word, endless, cells = err.splitlines()
    assert "coded.csv:2: `unclear` is true, false or empty, and not 'perhaps'" in unclear
    assert "`seconds` is a number or empty, and not 'soon'" in word and "and not 'inf'" in endless
    assert "coded.csv:5: the row has more cells than there are columns" in cells
    [answer] = read_answers(FOLDER)
    assert (answer.record_id, answer.unclear, answer.seconds) == ("r5", True, 4.5)


def test_a_row_that_ends_too_early_is_refused(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("coded.csv").write_text("verdict,criterion,coder,record_id\nrude,rude,ana\n")
    code, _, err = run(capsys, "import", "coded.csv")
    assert code == 1 and "coded.csv:2: record_id '' is of no record of this coding" in err
