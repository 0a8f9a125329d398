"""Keeps the passages of a corpus in one SQLite file, and brings them up to date; `sqlite_search` reads and searches."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from contract.errors import StorageError
from flows.corpus import divided_words, gram_table
from flows.corpus.chunk import index_hash
from flows.corpus.kept_metadata import metadata_json
from flows.corpus.passage_store import IndexedRecord, TextVector
from flows.corpus.sqlite_schema import INDEX_SCHEMA
from flows.corpus.sqlite_search import SqliteSearch
from flows.corpus.vector_matrix import VectorMatrix
from flows.storage.rows import Reject

_BUSY_TIMEOUT_SECONDS = 60.0
_RETRY_SECONDS = 0.02
_PRIMARY_CODE = 0xFF
"""The part of an error's code that says its kind; the rest says where it arose."""


class SqliteStore(SqliteSearch):
    """One open SQLite file; use it in the thread that made it, and close it.

    A `BuildStore` and a `SearchStore`.
    """

    batch_size = 64

    def __init__(self, path: Path, matrix: VectorMatrix | None = None) -> None:
        """Opens or creates the file. Raises StorageError when it cannot be opened or is not an index.

        `matrix` keeps all vectors in memory between searches.
        """
        try:
            db = sqlite3.connect(path, timeout=_BUSY_TIMEOUT_SECONDS, isolation_level=None)
            super().__init__(path, db, matrix or VectorMatrix())
            _keep_a_log(db)
            db.execute("PRAGMA synchronous = NORMAL")
            divided_words.define_functions(db)
            if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'grams_removed'").fetchone():
                db.executescript(INDEX_SCHEMA)
            for table in (gram_table, divided_words):
                if not table.is_complete(db):
                    with self._transaction():
                        if not table.is_complete(db):  # Another program may have filled it meanwhile.
                            table.fill(db)
        except sqlite3.Error as error:
            raise StorageError(f"the index {path} cannot be opened: {error}; delete it to build it anew") from None

    def get_meta(self, key: str) -> str | None:
        """The value stored under `key`, or None."""
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return row[0] if row else None

    def set_meta(self, values: Mapping[str, str]) -> None:
        """Stores these values in one transaction."""
        with self._transaction():
            self._db.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", list(values.items()))

    def is_current(self, source_state: str) -> bool:
        """Whether the index holds all of the source in this state, by the last `mark_current`."""
        return bool(self.get_meta("content")) and self.get_meta("stat") == source_state

    def mark_current(self, content: str, source_state: str) -> None:
        """Stores the digest of the content that the index holds now, and the state of its source."""
        self.set_meta({"content": content, "stat": source_state})

    def export_to(self, path: Path) -> None:
        """Writes all that other machines may use to a new file, which must not exist.

        Leaves out the notes of this machine and the paths of its files. Raises StorageError.
        """
        try:
            self._db.execute("VACUUM INTO ?", (str(path),))
            with closing(sqlite3.connect(path, isolation_level=None)) as copy:
                copy.execute("PRAGMA secure_delete = ON")
                copy.execute("DELETE FROM meta WHERE key IN ('content', 'stat') OR key LIKE 'kept %'")
                copy.execute("DELETE FROM rejects")
        except sqlite3.Error as error:
            raise StorageError(f"{path} cannot be written: {error}") from error

    def has_vectors_missing_from(self, copy: Path) -> bool:
        """Whether there are passages here for which the index in the file `copy` has no vectors."""
        self._db.execute("ATTACH ? AS copy", (str(copy),))
        try:
            missing = self._db.execute(
                "SELECT 1 FROM main.passages p WHERE NOT EXISTS (SELECT 1 FROM copy.passages c WHERE "
                "c.passage_id = p.passage_id AND c.title = p.title AND c.content_hash = p.content_hash) LIMIT 1"
            ).fetchone()
        finally:
            self._db.execute("DETACH copy")
        return missing is not None

    @contextmanager
    def _transaction(self) -> Generator[None]:
        """Commits all statements of the block together, or none of them."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def begin_pass(self) -> None:
        """Starts a pass over the source; `end_pass` removes what the pass did not see."""
        self._db.execute("CREATE TEMP TABLE IF NOT EXISTS seen (record_id TEXT PRIMARY KEY) WITHOUT ROWID")
        self._db.execute("DELETE FROM seen")

    def mark_seen(self, record_id: str) -> None:
        """Notes that the source still holds this record."""
        self._db.execute("INSERT OR IGNORE INTO seen VALUES (?)", (record_id,))

    def end_pass(self, rejects: Sequence[Reject]) -> None:
        """Deletes the records that the source no longer holds, and stores the rows that could not be indexed."""
        with self._transaction():
            self._db.execute("DELETE FROM passages WHERE record_id NOT IN (SELECT record_id FROM seen)")
            self._db.execute("DELETE FROM records WHERE record_id NOT IN (SELECT record_id FROM seen)")
            self._db.execute("DELETE FROM waiting")
            self._db.execute("DELETE FROM rejects")
            rows = [(item.line, item.reason, item.raw, item.source) for item in rejects]
            self._db.executemany("INSERT INTO rejects VALUES (?, ?, ?, ?)", rows)

    def hash_of(self, record_id: str) -> str | None:
        """The hash under which the record was indexed, or None."""
        row = self._db.execute("SELECT hash FROM records WHERE record_id = ?", (record_id,)).fetchone()
        return row[0] if row else None

    def vectors_of(self, record_ids: Sequence[str]) -> Iterator[TextVector]:
        """All that was embedded of those records so far."""
        yield from vectors_of(self._db, record_ids)

    def stage_vectors(self, rows: Iterable[TextVector]) -> None:
        """Stores vectors of records that are not complete yet; `replace_records` deletes them."""
        with self._transaction():
            self._db.executemany("INSERT OR REPLACE INTO waiting VALUES (?, ?, ?)", rows)

    def replace_records(self, batch: Sequence[IndexedRecord]) -> None:
        """Writes the records and their passages in place of the old ones."""
        with self._transaction():
            for one in batch:
                self._replace_record(one)

    def _replace_record(self, indexed: IndexedRecord) -> None:
        record, found = indexed.record, indexed.passages
        self._db.execute("DELETE FROM passages WHERE record_id = ?", (record.record_id,))
        self._db.execute("DELETE FROM waiting WHERE record_id = ?", (record.record_id,))
        title = record.title or record.record_id
        date = found[0].date if found else None
        self._db.execute(
            "INSERT OR REPLACE INTO records VALUES (?, ?, ?, ?, ?, ?)",
            (record.record_id, index_hash(record), title, date, record.uri, metadata_json(record)),
        )
        self._db.executemany(
            'INSERT INTO passages (passage_id, record_id, title, section, "start", "end", text, content_hash, vector) '
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (p.passage_id, p.record_id, p.title, p.section, p.start, p.end, p.text, p.content_hash, v)
                for p, v in zip(found, indexed.vectors, strict=True)
            ],
        )
        gram_table.add(self._db, found)
        if any(divided_words.searched_text(passage.text) != passage.text for passage in found):
            divided_words.note(self._db)


def _keep_a_log(db: sqlite3.Connection) -> None:
    """Has changes written into a log beside the file, so that searches go on while somebody writes.

    SQLite's own timeout does not count for this change of form, so several who open a new file at once would fail.
    """
    deadline = time.monotonic() + _BUSY_TIMEOUT_SECONDS
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & _PRIMARY_CODE != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(_RETRY_SECONDS)


def vectors_of(db: sqlite3.Connection, record_ids: Sequence[str]) -> Iterator[TextVector]:
    """All that an index holds that was embedded of those records, complete ones and waiting ones."""
    for record_id in record_ids:
        yield from db.execute(
            "SELECT record_id, title || '. ' || text, vector FROM passages WHERE record_id = ? "
            "UNION ALL SELECT record_id, embedded, vector FROM waiting WHERE record_id = ?",
            (record_id, record_id),
        )
