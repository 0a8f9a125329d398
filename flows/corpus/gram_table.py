"""The table of an SQLite index that finds texts in scripts without spaces, by pairs of letters.

Indexes of before have none. It is made from their passages when they are opened, and nothing is embedded again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from contract.findings import Passage
from flows.corpus.grams import grams
from flows.corpus.ranking import fts5_query

GRAM_SCHEMA = """
CREATE VIRTUAL TABLE IF NOT EXISTS passage_grams USING fts5 (
    pairs, tokenize = "unicode61 remove_diacritics 0 categories 'L* M* N* Co'"
);
CREATE TRIGGER IF NOT EXISTS grams_removed AFTER DELETE ON passages BEGIN
    DELETE FROM passage_grams WHERE rowid = old.id;
END;
"""
_VERSION = "1"
UNSPACED_KEY = "unspaced"
"""The key in `meta` under which an index notes how such texts are searched, if it holds any."""


def is_complete(db: sqlite3.Connection) -> bool:
    """Whether the table holds all passages that it should."""
    return db.execute("SELECT 1 FROM meta WHERE key = 'grams' AND value = ?", (_VERSION,)).fetchone() is not None


def fill(db: sqlite3.Connection) -> None:
    """Fills the table from the passages, in the caller's transaction."""
    found = False
    for row in db.execute("SELECT id, title, text FROM passages").fetchall():
        found |= _insert(db, row[0], f"{row[1]} {row[2]}")
    db.execute("INSERT OR REPLACE INTO meta VALUES ('grams', ?)", (_VERSION,))
    if found:
        # The next pass over the source gives the index another fingerprint, since searches find more.
        db.execute("UPDATE meta SET value = '' WHERE key = 'content'")
        _note_unspaced(db)


def add(db: sqlite3.Connection, passages: Sequence[Passage]) -> None:
    """Adds passages that were inserted, in the caller's transaction."""
    found = False
    for passage in passages:
        text = f"{passage.title} {passage.text}"
        if grams(text):
            row = db.execute("SELECT id FROM passages WHERE passage_id = ?", (passage.passage_id,)).fetchone()
            found |= _insert(db, row[0], text)
    if found:
        _note_unspaced(db)


def search(
    db: sqlite3.Connection, pairs: Sequence[str], depth: int, inside: str = "", values: Sequence[str] = ()
) -> list[int]:
    """Ids of the passages that hold any of the pairs, best first; of a single letter, those that hold it in a pair.

    `inside` is a further condition in SQL, and `values` are its parameters.
    """
    query = " OR ".join(fts5_query([pair]) + ("" if len(pair) > 1 else " *") for pair in pairs)
    rows = db.execute(
        f"SELECT rowid FROM passage_grams WHERE passage_grams MATCH ? {inside}"  # noqa: S608 - both texts are ours
        "ORDER BY bm25(passage_grams), rowid LIMIT ?",
        (query, *values, depth),
    )
    return [row[0] for row in rows]


def _insert(db: sqlite3.Connection, key: int, text: str) -> bool:
    if found := grams(text):
        db.execute("INSERT OR REPLACE INTO passage_grams (rowid, pairs) VALUES (?, ?)", (key, " ".join(found)))
    return bool(found)


def _note_unspaced(db: sqlite3.Connection) -> None:
    db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (UNSPACED_KEY, _VERSION))
