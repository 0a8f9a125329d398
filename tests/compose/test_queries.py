"""`queries=file`: each row is a record with its own answer; mistakes in the file are told with their line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from contract.errors import StudyError
from flows.cli.main import main
from flows.compose.compose import compose
from flows.engine.records import records_of
from flows.storage.rows import Reject

QUESTIONS = ["When is a slur allowed, in 2021?", 'What did the Board say of "ayahuasca"?']
FILES = {
    "q.csv": 'id,Question\n7,"When is a slur allowed, in 2021?"\n8,"What did the Board say of ""ayahuasca""?"\n',
    "q.tsv": 'query\tby\nWhen is a slur allowed, in 2021?\tA\n"What did the Board say of ""ayahuasca""?"\tB\n',
    "q.jsonl": "".join(f"{json.dumps({'query': question})}\n" for question in QUESTIONS),
    "q.txt": 'When is a slur allowed, in 2021?\nWhat did the Board say of "ayahuasca"?\n',
    "one.csv": 'Frage\n"When is a slur allowed, in 2021?"\n"What did the Board say of ""ayahuasca""?"\n',
}


@pytest.mark.parametrize("name", FILES)
def test_each_row_is_a_record_with_its_own_answer(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(FILES[name], encoding="utf-8")
    (study,) = compose(["osb"], [f"queries={tmp_path / name}"])
    rejects = list[Reject]()
    assert [record.text for record in records_of(study, rejects.append)] == QUESTIONS
    assert rejects == []
    assert "parameters.query" not in study.flow.model_dump_json()


def test_a_line_without_a_question_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "q.csv").write_text("id,question\n1,When?\n2,\n3,Why?\n", encoding="utf-8")
    assert main(["check", "+flows=[osb]", f"queries={tmp_path / 'q.csv'}"]) == 0
    shown = capsys.readouterr().out
    assert "of the 3 rows 2 can be read, 1 cannot" in shown
    assert "q.csv:3: the record is empty" in shown


@pytest.mark.parametrize(
    ("content", "arguments", "words"),
    [
        ("a,b\n1,2\n", [], "no column is called 'query' or 'question'; it has a, b"),
        ("question\n", [], "it has no rows"),
        ("question\nWhy?\n", ["query=When?"], "there is a question in 'query' and a file of questions"),
        (None, [], "there is no file"),
    ],
)
def test_mistakes(content: str | None, arguments: list[str], words: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "q.csv").write_text(content, encoding="utf-8")
    with pytest.raises(StudyError, match="queries=") as caught:
        compose(["osb"], [f"queries={tmp_path / 'q.csv'}", *arguments])
    assert words in str(caught.value)


def test_a_study_takes_records_instead(tmp_path: Path) -> None:
    (tmp_path / "q.csv").write_text("question\nWhy?\n", encoding="utf-8")
    with pytest.raises(StudyError, match="no flow here takes 'queries'"):
        compose(["tox"], [f"queries={tmp_path / 'q.csv'}"])
