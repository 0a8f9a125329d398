"""Exports of surveys, which have a second and a third row of names above the answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.storage.read_records import guesses, read_records, written

QUALTRICS = (
    "StartDate,ResponseId,Q1\nStart Date,Response ID,Why did you leave?\n"
    '"{""ImportId"":""startDate""}","{""ImportId"":""_recordId""}","{""ImportId"":""QID1_TEXT""}"\n'
    "2026-01-01,R_1,They called us vermin\n"
)


def test_three_rows_of_names_of_qualtrics_and_others(tmp_path: Path) -> None:
    path = written(tmp_path, "survey.csv", QUALTRICS)
    found, _ = read_records(path, columns={"text": "Q1"})
    assert [one.text for one in found] == ["They called us vermin"]
    assert [guess.value for guess in guesses(path)] == ["qualtrics"]
    assert len(read_records(path, columns={"text": "Q1"}, header="1")[0]) == 3
    text = "Survey of 2026,,\nWhich?,,Text\nred,blue,\n1,0,hello\n"
    [record] = read_records(written(tmp_path, "monkey.csv", text), header="2-3")[0]
    assert (record.text, dict(record.metadata)) == ("hello", {"Which?": "1", "blue": "0"})


SURVEYMONKEY = """\
Respondent ID,Start Date,Which?,,Why did you leave?
,,red,blue,Open-Ended Response
101,2026-01-01 10:00,red,,They called us vermin
102,2026-01-02 11:30,,blue,The rent
"""
LIMESURVEY = """\
id,submitdate,G01Q01
Response ID,Date submitted,Why did you leave?
1,2026-01-01 10:00,They called us vermin
2,2026-01-02 11:30,The rent
"""


@pytest.mark.parametrize(
    ("text", "columns", "names"),
    [
        (SURVEYMONKEY, {"text": "Why did you leave?"}, ["Respondent ID", "Start Date", "Which?", "blue"]),
        (LIMESURVEY, {"text": "G01Q01"}, ["submitdate"]),
    ],
    ids=["SurveyMonkey", "LimeSurvey"],
)
def test_a_second_row_of_names_is_no_answer(
    tmp_path: Path, text: str, columns: dict[str, str], names: list[str]
) -> None:
    path = written(tmp_path, "survey.csv", text)
    found, _ = read_records(path, columns=columns)
    assert [one.text for one in found] == ["They called us vermin", "The rent"]
    assert [*found[0].metadata] == names
    [guess] = guesses(path)
    assert guess.value == "1-2" and "write header=1" in guess.message


@pytest.mark.parametrize(
    "first",
    ["1,2026-01-01,n/a,a", "n/a,2026-01-01,3,a", "1,,3,Open-Ended Response"],
    ids=["a missing answer", "a missing id", "a post"],
)
def test_a_first_answer_that_lacks_something_is_an_answer(tmp_path: Path, first: str) -> None:
    text = f"id,day,score,why\n{first}\n2,2026-01-02,4,b\n3,2026-01-03,5,c\n"
    assert not guesses(written(tmp_path, "a.csv", text))
