"""Words that a line end divides are found whole, and their halves too; what is shown is the text as it is."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from contract.storage import CorpusStorage, FileStorage
from flows.corpus.divided_words import EARLIER_TRIGGERS
from flows.corpus.index import CorpusIndex
from tests.corpus.fake_embedders import open_counting

LETTERS = {
    "a": "The com-\nmittee met in the light-\nhouse.",
    "b": "The coun\u00adcil met on the well-\nknown pier.",
    "c": "Here are seven\u00ac teen men.",
    "d": "The ferry was closed.",
}


def _corpus(folder: Path) -> CorpusStorage:
    (folder / "texts").mkdir(exist_ok=True)
    for name, text in LETTERS.items():
        (folder / "texts" / f"{name}.txt").write_text(text, encoding="utf-8")
    return CorpusStorage(source=FileStorage(path=folder / "texts"), label="Letters")


async def _by_words(index: CorpusIndex, query: str) -> list[str]:
    explained = await index.explain([query], 4)
    return [passage.record_id for way in explained.ways if way.way == "words" for passage in way.passages]


FOUND = {"committee": ["a"], "lighthouses": ["a"], "council": ["b"], "known": ["b"], "seventeen": ["c"], "ferry": ["d"]}


@pytest.mark.parametrize("word", FOUND)
async def test_a_divided_word_is_found_by_words(word: str, tmp_path: Path) -> None:
    index, _ = open_counting(_corpus(tmp_path), tmp_path / "cache")
    assert await _by_words(index, word) == FOUND[word]
    [passage] = await index.search(["committee"], 1)
    assert passage.text == LETTERS["a"]


async def test_an_index_made_before_finds_them_without_embedding_anything_again(tmp_path: Path) -> None:
    config, folder = _corpus(tmp_path), tmp_path / "cache"
    before, _ = open_counting(config, folder)
    [path] = folder.glob("*.sqlite")
    with sqlite3.connect(path) as db:
        db.executescript(f"DROP TRIGGER passage_added; DROP TRIGGER passage_removed; {EARLIER_TRIGGERS}")
        db.execute("INSERT INTO passages_fts (passages_fts) VALUES ('rebuild')")
        db.execute("DELETE FROM meta WHERE key = 'divided'")
    db.close()
    index, embedded = open_counting(config, folder)
    assert embedded == 0 and index.fingerprint == before.fingerprint
    assert await _by_words(index, "committee") == ["a"]
    (tmp_path / "texts" / "a.txt").write_text("Nothing of it.")
    changed, embedded = open_counting(config, folder)
    assert embedded == 1 and await _by_words(changed, "committee") == []
