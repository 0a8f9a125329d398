"""Stores the passages of a corpus in one SQLite file; every SQL statement on it is here.

Tables: `records` (one row a document, with the hash that shows whether it changed), `passages` (text, offsets and
the vector as 384 float32 values), `passages_fts` (full text over title and text, updated by triggers), `waiting`
(vectors of a long document that is not complete yet), `rejects`, and `meta`.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contract.errors import StorageError
from contract.findings import Passage, Source
from flows.corpus import gram_table
from flows.corpus.chunk import passage_locators
from flows.corpus.kept_metadata import metadata_json, read_metadata
from flows.corpus.passage_store import IndexedRecord, TextVector
from flows.corpus.ranking import fts5_query
from flows.corpus.vector_matrix import VectorMatrix, top_rows
from flows.storage.rows import Reject

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_BUSY_TIMEOUT_SECONDS = 60.0
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
CREATE TRIGGER IF NOT EXISTS passage_added AFTER INSERT ON passages BEGIN
    INSERT INTO passages_fts (rowid, title, text) VALUES (new.id, new.title, new.text);
END;
CREATE TRIGGER IF NOT EXISTS passage_removed AFTER DELETE ON passages BEGIN
    INSERT INTO passages_fts (passages_fts, rowid, title, text) VALUES ('delete', old.id, old.title, old.text);
END;
"""


class SqliteStore:
    """One open SQLite file; use it in the thread that made it, and close it.

    A `BuildStore` and a `SearchStore`.
    """

    batch_size = 64

    def __init__(self, path: Path, matrix: VectorMatrix | None = None) -> None:
        """Opens or creates the file. Raises StorageError when it cannot be opened or is not an index.

        `matrix` keeps all vectors in memory between searches.
        """
        self._path = path
        self._matrix = matrix or VectorMatrix()
        try:
            self._db = sqlite3.connect(path, timeout=_BUSY_TIMEOUT_SECONDS, isolation_level=None)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            if not self._db.execute("SELECT 1 FROM sqlite_master WHERE name = 'grams_removed'").fetchone():
                self._db.executescript(_SCHEMA + gram_table.GRAM_SCHEMA)
            if not gram_table.is_complete(self._db):
                with self._transaction():
                    gram_table.fill(self._db)
        except sqlite3.Error as error:
            raise StorageError(f"the index {path} cannot be opened: {error}; delete it to build it anew") from None

    def close(self) -> None:
        """Closes the file."""
        self._db.close()

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

    # --- writing ---

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
            (record.record_id, record.fingerprint, title, date, record.uri, metadata_json(record)),
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

    # --- reading ---

    def rejects(self) -> list[Reject]:
        """The rows that could not be indexed, in the source's order."""
        return [Reject(*row) for row in self._db.execute("SELECT * FROM rejects ORDER BY rowid")]

    def record_hashes(self) -> Iterator[tuple[str, str]]:
        """Record ids and hashes, in the order of the ids."""
        yield from self._db.execute("SELECT record_id, hash FROM records ORDER BY record_id")

    def counts(self) -> tuple[int, int]:
        """The numbers of records and passages."""
        row: Any = self._db.execute("SELECT (SELECT count(*) FROM records), (SELECT count(*) FROM passages)").fetchone()
        return row[0], row[1]

    def sources(self) -> list[Source]:
        """Every document, in the order of the ids."""
        rows = self._db.execute("SELECT record_id, title, date, uri FROM records ORDER BY record_id")
        return [Source(record_id=row[0], title=row[1], date=row[2], uri=row[3]) for row in rows]

    def key_of(self, passage_id: str) -> int | None:
        """The row of the passage of that id."""
        row: Any = self._db.execute("SELECT id FROM passages WHERE passage_id = ?", (passage_id,)).fetchone()
        return row and row[0]

    def nearest(self, vectors: NDArray[np.float32], depth: int) -> list[list[int]]:
        """For each vector the passages nearest to it, nearest first; every passage is compared."""
        ids, matrix = self._matrix.load(self._read_matrix, vectors.shape[1])
        return [[int(ids[row]) for row in top_rows(line, depth)] for line in vectors @ matrix.T]

    def similarity(self, keys: Sequence[int], vectors: NDArray[np.float32]) -> dict[int, float]:
        """The highest cosine of each passage with any of the vectors."""
        import numpy as np

        ids, matrix = self._matrix.load(self._read_matrix, vectors.shape[1])
        rows = np.searchsorted(ids, keys)
        present = [
            (key, row) for key, row in zip(keys, rows.tolist(), strict=True) if row < len(ids) and ids[row] == key
        ]
        cosines = (vectors @ matrix[[row for _, row in present]].T).max(axis=0)
        return dict(zip([key for key, _ in present], cosines.tolist(), strict=True))

    def _read_matrix(self, dimensions: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The ids of all passages, ascending, and their vectors, row by row: [n] and [n, dimensions].

        Raises StorageError when the vectors have another length.
        """
        import numpy as np

        count = self.counts()[1]
        ids = np.zeros(count, dtype=np.int64)
        vectors = np.zeros((count, dimensions), dtype=np.float32)
        rows = self._db.execute("SELECT id, vector FROM passages ORDER BY id LIMIT ?", (count,))
        for position, (identifier, blob) in enumerate(rows):
            if len(blob) != vectors.itemsize * dimensions:
                raise StorageError(f"the index {self._path} holds vectors of another model; delete it to build it anew")
            ids[position] = identifier
            vectors[position] = np.frombuffer(blob, dtype=np.float32)
        return ids, vectors

    def siblings(self, key: int) -> list[int]:
        """Ids of all passages of the document of this passage, in reading order."""
        rows = self._db.execute(
            "SELECT id FROM passages WHERE record_id = (SELECT record_id FROM passages WHERE id = ?) ORDER BY id",
            (key,),
        )
        return [row[0] for row in rows]

    def full_text_search(self, phrases: Sequence[str], depth: int) -> list[int]:
        """Ids of the passages that hold any of the phrases, best first by BM25; titles count twice."""
        rows = self._db.execute(
            "SELECT rowid FROM passages_fts WHERE passages_fts MATCH ? ORDER BY bm25(passages_fts, 2.0, 1.0), rowid "
            "LIMIT ?",
            (fts5_query(phrases), depth),
        )
        return [row[0] for row in rows]

    def gram_search(self, grams: Sequence[str], depth: int) -> list[int]:
        """Ids of the passages that hold any of the pairs of letters, best first by BM25."""
        return gram_table.search(self._db, grams, depth)

    def content_hashes(self, keys: Sequence[int]) -> dict[int, str]:
        """The digests of the passages' texts."""
        statement = "SELECT id, content_hash FROM passages WHERE id IN (SELECT value FROM json_each(?))"
        return dict(self._db.execute(statement, (json.dumps(list(keys)),)))

    def passages(self, keys: Sequence[int]) -> dict[int, Passage]:
        """These passages; one that another process removed meanwhile is missing."""
        found = ((key, self._passage(key)) for key in keys)
        return {key: passage for key, passage in found if passage is not None}

    def _passage(self, key: int) -> Passage | None:
        row: Any = self._db.execute(
            'SELECT p.passage_id, p.record_id, p.title, p.section, p.text, p."start", p."end", p.content_hash, '
            "r.uri, r.date, r.metadata FROM passages p JOIN records r USING (record_id) WHERE p.id = ?",
            (key,),
        ).fetchone()
        if row is None:
            return None
        metadata, locators = read_metadata(row[10])
        return Passage(
            passage_id=row[0], record_id=row[1], title=row[2], section=row[3], text=row[4], start=row[5], end=row[6],
            content_hash=row[7], uri=row[8], date=row[9], metadata=metadata,
            locators=passage_locators(locators, row[3], row[5], row[6]),
        )  # fmt: skip


def vectors_of(db: sqlite3.Connection, record_ids: Sequence[str]) -> Iterator[TextVector]:
    """All that an index holds that was embedded of those records, complete ones and waiting ones."""
    for record_id in record_ids:
        yield from db.execute(
            "SELECT record_id, title || '. ' || text, vector FROM passages WHERE record_id = ? "
            "UNION ALL SELECT record_id, embedded, vector FROM waiting WHERE record_id = ?",
            (record_id, record_id),
        )


def database_schema(db: sqlite3.Connection) -> set[tuple[str, str, str | None]]:
    """Type, name and SQL of every object in a database."""
    return {(row[0], row[1], row[2]) for row in db.execute("SELECT type, name, sql FROM sqlite_master")}


def expected_schema() -> set[tuple[str, str, str | None]]:
    """Type, name and SQL of every object in an index of this version."""
    return _schema_of(_SCHEMA + gram_table.GRAM_SCHEMA)


def earlier_schema() -> set[tuple[str, str, str | None]]:
    """The same of an index made before scripts without spaces were searched by pairs of letters."""
    return _schema_of(_SCHEMA)


def _schema_of(statements: str) -> set[tuple[str, str, str | None]]:
    with closing(sqlite3.connect(":memory:")) as db:
        db.executescript(statements)
        return database_schema(db)
