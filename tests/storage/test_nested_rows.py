"""Lists within rows, as question answering data have them: each item of one is a row, with what it stands in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from flows.cli.main import main
from tests.storage.read_records import read_records, written

SQUAD: dict[str, Any] = {
    "version": "v2.0",
    "data": [
        {
            "title": "Normans",
            "paragraphs": [
                {
                    "context": "The Normans gave their name to Normandy.",
                    "qas": [
                        {"id": "a1", "question": "Where is it?", "answers": [{"text": "France"}]},
                        {"id": "a2", "question": "When was it?", "answers": [{"text": "10th"}, {"text": "11th"}]},
                    ],
                },
                {"context": "Rollo was a chief.", "qas": [{"id": "a3", "question": "Who was he?", "answers": []}]},
                {"context": "Nobody asks.", "qas": []},
            ],
        },
        {"title": "Oxygen", "paragraphs": [{"context": "A gas.", "qas": [{"id": "b1", "question": "What is it?"}]}]},
    ],
}


def squad(folder: Path, *, articles: int = 2, key: str = "data") -> Path:
    return written(folder, "squad.json", json.dumps({"version": "v2.0", key: SQUAD["data"][:articles]}))


@pytest.mark.parametrize("rows", ["paragraphs.qas", "data.paragraphs.qas", "data.*.paragraphs.*.qas"])
def test_each_item_is_a_record_with_what_it_stands_in(rows: str, tmp_path: Path) -> None:
    columns = {"text": "context", "metadata.asked": "question", "ground_truth.answers": "answers.*.text"}
    found, rejects = read_records(squad(tmp_path), rows=rows, columns=columns)
    assert [one.record_id for one in found] == ["a1", "a2", "a3", "b1"] and not rejects
    assert [one.title for one in found] == ["Normans"] * 3 + ["Oxygen"]
    assert found[1].text == "The Normans gave their name to Normandy."
    assert found[1].metadata["asked"] == "When was it?"
    assert (found[1].ground_truth or {})["answers"] == ("10th", "11th")


@pytest.mark.parametrize("key", ["data", "articles"])
@pytest.mark.parametrize("articles", [1, 2])
def test_a_file_with_one_item_is_read_as_one_with_several(key: str, articles: int, tmp_path: Path) -> None:
    path = squad(tmp_path, articles=articles, key=key)
    found, _ = read_records(path, rows=f"{key}.paragraphs.qas", columns={"text": "question"})
    assert len(found) == [3, 4][articles - 1]


def test_lines_of_json_have_lists_too(tmp_path: Path) -> None:
    lines = "".join(json.dumps(one) + "\n" for one in SQUAD["data"])
    found, _ = read_records(written(tmp_path, "a.jsonl", lines), rows="paragraphs", columns={"text": "context"})
    assert [one.title for one in found] == ["Normans"] * 3 + ["Oxygen"]


def test_a_name_of_both_levels_is_kept_in_brackets(tmp_path: Path) -> None:
    thread = [{"id": "t", "text": "A question", "replies": [{"id": "r", "text": "An answer"}]}]
    [reply], _ = read_records(written(tmp_path, "a.json", json.dumps(thread)), rows="replies")
    assert (reply.record_id, reply.text) == ("r", "An answer")
    assert (reply.metadata["(id)"], reply.metadata["(text)"]) == ("t", "A question")


def test_what_lacks_the_list_is_told(tmp_path: Path) -> None:
    rows: list[Any] = [{"title": "a"}, {"posts": [{"text": "One"}, "two", None]}, {"posts": None}, {"posts": "x"}]
    rows.append({"posts": []})
    found, rejects = read_records(written(tmp_path, "a.json", json.dumps(rows)), rows="posts")
    assert [one.text for one in found] == ["One"]
    assert len(rejects) == 5
    assert "`rows` names 'posts', which is no list in this row" in rejects[0].reason


def check(folder: Path, monkeypatch: pytest.MonkeyPatch, *settings: str) -> int:
    monkeypatch.chdir(folder)
    return main(["check", "+flows=tox", "records=squad.json", *settings])


def test_check_shows_how_the_lists_would_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    squad(tmp_path)
    assert check(tmp_path, monkeypatch) == 2
    said = capsys.readouterr().err
    assert "write rows=… with one of paragraphs, paragraphs.qas, paragraphs.qas.answers" in said
    assert "with rows=paragraphs.qas so: id: a1; question: Where is it?" in said
    assert "context: The Normans gave" in said
    assert check(tmp_path, monkeypatch, "rows=paragraphs.qas", "columns.text=context") == 0
    shown = capsys.readouterr().out
    assert "of the 4 rows 4 can be read" in shown
    assert "to metadata, under their own names: question, answers" in shown


@pytest.mark.parametrize(
    ("rows", "hint"),
    [
        ("paragraphs.qa", "did you mean 'paragraphs.qas'?"),
        ("answer", "did you mean 'answers'?"),
        ("title", "there are"),
    ],
)
def test_a_list_that_is_not_there_is_told_with_the_nearest(
    rows: str, hint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    squad(tmp_path)
    assert check(tmp_path, monkeypatch, f"rows={rows}") == 2
    said = capsys.readouterr().err
    assert f"command line: rows={rows}" in said and hint in said


@pytest.mark.parametrize(
    ("threads", "told"), [(2, "the row 2 holds no item"), (3, "2 rows, the first 2, hold no item")]
)
def test_a_row_whose_list_is_empty_is_told(
    threads: int, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    posts: list[dict[str, Any]] = [
        {"thread": "a", "posts": [{"id": 1, "body": "Hello."}]},
        *[{"thread": "b", "posts": []}] * (threads - 1),
    ]
    written(tmp_path, "threads.jsonl", "".join(json.dumps(one) + "\n" for one in posts))
    monkeypatch.chdir(tmp_path)
    assert main(["check", "+flows=[judger]", "records=threads.jsonl", "rows=posts", "columns.text=body"]) == 0
    assert told in capsys.readouterr().err
