"""Tables of answers that people made themselves: nothing that stands in them is left out without a word."""

from __future__ import annotations

from pathlib import Path

import pytest

from contract.flow import GateField
from contract.questions import Question
from flows.gates.answer_file import answer_problems, read_answer_file
from tests.storage.workbooks import write_workbook

ASKED = {
    "consent": Question(
        flow="letters", gate="consent", record_id="", question="Fit?", decide=("approve", "reject"),
        fields={"urgent": GateField(type="yes_no", default=False)},
    )
}  # fmt: skip


def _told(path: Path) -> list[str]:
    file, problems = read_answer_file(path)
    told = [*problems, *answer_problems(file, ASKED)]
    return [str(one).replace(f"{path}", path.name) for one in told]


def _csv(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "mine.csv"
    path.write_text(text, encoding="utf-8")
    return path


def _workbook(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "mine.xlsx"
    write_workbook(path, {"Sheet1": [line.split(",") for line in text.splitlines()]})
    return path


@pytest.mark.parametrize("make", [_csv, _workbook])
def test_capitals_in_the_names_of_columns_are_no_mistake(tmp_path: Path, make: type) -> None:
    path = make(tmp_path, "Gate,RECORD,Decision,By\nconsent,l1,approve,Ana\n")
    file, _ = read_answer_file(path)
    assert _told(path) == []
    assert file.entries[0].values == {"gate": "consent", "record": "l1", "decision": "approve", "by": "Ana"}


def test_a_comma_in_a_comment_without_quotation_marks_is_told(tmp_path: Path) -> None:
    [told] = _told(_csv(tmp_path, "gate,record,decision,comment\nconsent,l1,approve,fits, mostly\n"))
    assert told.startswith("mine.csv:2: ' mostly' stands in a column that has no name; put a text")


@pytest.mark.parametrize(("make", "place"), [(_csv, "mine.csv:"), (_workbook, "mine.xlsx, row ")])
def test_columns_without_a_name_and_two_of_one_name_are_told(tmp_path: Path, make: type, place: str) -> None:
    told = _told(make(tmp_path, "gate,record,decision,Decision,\nconsent,l1,approve,reject,a word\n"))
    assert [one.partition(";")[0] for one in told] == [
        f"{place}1: 2 columns are called 'decision'", f"{place}2: 'a word' stands in a column that has no name",
    ]  # fmt: skip
    # Blank columns beside a table are none.
    assert _told(make(tmp_path, "gate,record,decision,,\nconsent,l1,approve,,\n")) == []


def test_what_stands_under_a_misspelt_name_is_read_too_and_names_are_those_that_people_write(tmp_path: Path) -> None:
    told = _told(_csv(tmp_path, "gate,record,decison,urgnt,colour\nconsent,l1,aprove,maybe,blue\n"))
    assert told == [
        "mine.csv:1: the column 'decison' is not asked here; did you mean 'decision'?",
        "mine.csv:1: the column 'urgnt' is not asked here; did you mean 'urgent'?",
        "mine.csv:1: the column 'colour' is not asked here; there are gate, record, decision, urgent, comment, by",
        "mine.csv:2: 'aprove' is no decision here; did you mean 'approve'?; write approve or reject",
    ]
    told = _told(_csv(tmp_path, "gate,record,decison,urgnt\nconsent,l1,approve,maybe\n"))
    assert told[-1] == "mine.csv:2: 'maybe' is not yes or no"
