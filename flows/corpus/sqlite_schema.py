"""The tables of an SQLite index.

`records` (one row a document, with the hash that shows whether it changed), `passages` (text, offsets and the vector as
384 float32 values), `passages_fts` (full text over title and text, updated by triggers), `waiting` (vectors of a long
document that is not complete yet), `rejects`, and `meta`. The table of pairs of letters is in `gram_table`.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing

from flows.corpus.divided_words import EARLIER_TRIGGERS, TRIGGERS
from flows.corpus.gram_table import GRAM_SCHEMA

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS records (
    record_id TEXT PRIMARY KEY, hash TEXT NOT NULL, title TEXT NOT NULL, date TEXT, uri TEXT, metadata TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS passages (
    id INTEGER PRIMARY KEY, passage_id TEXT NOT NULL UNIQUE, record_id TEXT NOT NULL, title TEXT NOT NULL,
    section TEXT NOT NULL, "start" INTEGER NOT NULL, "end" INTEGER NOT NULL, text TEXT NOT NULL,
    content_hash TEXT NOT NULL, vector BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS passages_of_record ON passages (record_id);
CREATE TABLE IF NOT EXISTS waiting (
    record_id TEXT NOT NULL, embedded TEXT NOT NULL, vector BLOB NOT NULL, PRIMARY KEY (record_id, embedded)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS rejects (
    line INTEGER NOT NULL, reason TEXT NOT NULL, raw TEXT NOT NULL, source TEXT NOT NULL
);
CREATE VIRTUAL TABLE IF NOT EXISTS passages_fts USING fts5 (
    title, text, content = 'passages', content_rowid = 'id', tokenize = 'porter unicode61 remove_diacritics 2'
);
"""
INDEX_SCHEMA = _SCHEMA + TRIGGERS + GRAM_SCHEMA
"""The statements that make what a file lacks of an index."""


def database_schema(db: sqlite3.Connection) -> set[tuple[str, str, str | None]]:
    """Type, name and SQL of every object in a database."""
    return {(row[0], row[1], row[2]) for row in db.execute("SELECT type, name, sql FROM sqlite_master")}


def is_index_schema(schema: set[tuple[str, str, str | None]]) -> bool:
    """Whether these are the objects of an index of this version.

    Also of one made before words that a line end divides were searched, or before scripts without spaces were searched
    by pairs of letters: its vectors are as good.
    """
    known = (INDEX_SCHEMA, _SCHEMA + EARLIER_TRIGGERS + GRAM_SCHEMA, _SCHEMA + EARLIER_TRIGGERS)
    return any(schema == _schema_of(statements) for statements in known)


def _schema_of(statements: str) -> set[tuple[str, str, str | None]]:
    with closing(sqlite3.connect(":memory:")) as db:
        db.executescript(statements)
        return database_schema(db)
