"""`explain` shows what each way of searching ranked for a question, and where the passages found stood in each."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from contract.storage import CorpusStorage, FileStorage
from flows.cli.main import main
from tests.corpus.fake_embedders import open_counting


async def test_each_way_of_searching_is_told_apart(tmp_path: Path) -> None:
    rows = [{"id": f"n{n}", "text": f"Letter {n} of the harbour."} for n in range(20)]
    rows.append({"id": "case", "text": "Case 2021-010-FB-UA closed the ferry."})
    (tmp_path / "a.jsonl").write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    config = CorpusStorage(source=FileStorage(path=tmp_path / "a.jsonl"), label="Test")
    index, _ = open_counting(config, tmp_path / "cache")
    found = await index.explain(["What of 2021-010-FB-UA and the ferry?"], 3)
    assert [way.way for way in found.ways] == ["meaning", "words", "phrases"]
    assert [one.record_id for one in found.ways[2].passages] == ["case"]
    assert list(found.result) == await index.search(["What of 2021-010-FB-UA and the ferry?"], 3)
    assert {way.way: rank for way, rank in found.ranks(found.result[0])}.items() >= {("words", 1), ("phrases", 1)}


def test_the_command_shows_the_lists_and_the_result(capsys: pytest.CaptureFixture[str]) -> None:
    question = "When does the Board accept a slur in political speech?"
    assert main(["explain", "+flows=[osb]", f"query={question}", "limit=4", "--json"]) == 0
    [found] = json.loads(capsys.readouterr().out)
    assert {way["way"]: len(way["passages"]) for way in found["ways"]} == {"meaning": 4, "words": 4}
    assert {one["record_id"] for one in found["result"]} >= {"fb-e5m6qzga", "fb-tye2766g"}
    assert found["result"][0]["ranks"].keys() == {"meaning", "words"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["+flows=[osb]"], "'osb' has no question"), (["+flows=[tox]"], "'tox' searches no corpus")],
)
def test_what_cannot_be_explained_is_told(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", *arguments]) == 3
    assert words in capsys.readouterr().err
