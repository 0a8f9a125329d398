"""Several programs open one index at once, also while one of them changes its form."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

import pytest

from contract.storage import CorpusStorage, FileStorage
from flows.corpus import divided_words, gram_table
from flows.corpus.index import CorpusIndex
from tests.corpus.fake_embedders import open_counting

OPENERS = 4
HELD_SECONDS = 1.0
FORMER_JOURNAL = "PRAGMA journal_mode = DELETE"
BEFORE_GRAMS = (
    "DROP TRIGGER grams_removed; DROP TABLE passage_grams; DELETE FROM meta WHERE key IN ('grams', 'unspaced')"
)
BEFORE_DIVIDED_WORDS = (
    f"DROP TRIGGER passage_added; DROP TRIGGER passage_removed; {divided_words.EARLIER_TRIGGERS} "
    "INSERT INTO passages_fts (passages_fts) VALUES ('rebuild'); DELETE FROM meta WHERE key = 'divided'"
)


@pytest.mark.parametrize("earlier", [FORMER_JOURNAL, BEFORE_GRAMS, BEFORE_DIVIDED_WORDS])
def test_openers_wait_for_each_other(earlier: str, tmp_path: Path) -> None:
    config, folder = _corpus(tmp_path), tmp_path / "cache"
    before, _ = open_counting(config, folder)
    [path] = folder.glob("*.sqlite")
    _execute(path, earlier)
    opened = [one.result() for one in _opened_while_locked(config, folder, path)]
    assert [embedded for _, embedded in opened] == [0] * OPENERS
    assert {index.fingerprint for index, _ in opened} == {before.fingerprint}


@pytest.mark.parametrize(
    ("earlier", "module"), [(BEFORE_GRAMS, gram_table), (BEFORE_DIVIDED_WORDS, divided_words)], ids=["grams", "divided"]
)
def test_an_earlier_index_is_filled_by_one_of_them(
    earlier: str, module: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, folder, filled = _corpus(tmp_path), tmp_path / "cache", list[int]()
    open_counting(config, folder)
    [path] = folder.glob("*.sqlite")
    _execute(path, earlier)
    fill: Callable[[sqlite3.Connection], None] = vars(module)["fill"]

    def counted(db: sqlite3.Connection) -> None:
        filled.append(1)
        fill(db)

    monkeypatch.setattr(module, "fill", counted)
    for one in _opened_while_locked(config, folder, path):
        one.result()
    assert len(filled) == 1


def _corpus(folder: Path) -> CorpusStorage:
    (folder / "texts").mkdir()
    (folder / "texts" / "a.txt").write_text("The com-\nmittee met.", encoding="utf-8")
    (folder / "texts" / "b.txt").write_text("灯塔的提案被否决了。", encoding="utf-8")
    return CorpusStorage(source=FileStorage(path=folder / "texts"), label="Letters")


def _execute(path: Path, statements: str) -> None:
    db = sqlite3.connect(path)
    db.executescript(statements)
    db.close()


def _opened_while_locked(config: CorpusStorage, folder: Path, path: Path) -> list[Future[tuple[CorpusIndex, int]]]:
    """The index, opened by several while yet another program writes to it."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with ThreadPoolExecutor(OPENERS) as pool:
        opened = [pool.submit(open_counting, config, folder) for _ in range(OPENERS)]
        time.sleep(HELD_SECONDS)
        other.execute("ROLLBACK")
        other.close()
    return opened
