"""Reads and searches an SQLite index; every search is exact."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contract.errors import StorageError
from contract.findings import Passage, Source
from flows.corpus import gram_table
from flows.corpus.chunk import passage_locators
from flows.corpus.document_filter import Document
from flows.corpus.kept_metadata import read_metadata
from flows.corpus.passage_store import PassageIdentity, Within
from flows.corpus.ranking import fts5_query
from flows.corpus.vector_matrix import VectorMatrix, top_rows
from flows.storage.rows import Reject

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_WITHIN = "SELECT id FROM passages WHERE record_id IN (SELECT value FROM json_each(?))"
"""The passages of the documents in a JSON list."""


def _json(within: Collection[str]) -> str:
    return json.dumps(list(within))


class SqliteSearch:
    """The reading half of an index: a `SearchStore`."""

    def __init__(self, path: Path, db: sqlite3.Connection, matrix: VectorMatrix) -> None:
        """`matrix` keeps all vectors in memory between searches."""
        self._path = path
        self._db = db
        self._matrix = matrix

    def close(self) -> None:
        """Closes the file."""
        self._db.close()

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

    def documents(self) -> Iterator[Document]:
        """What is known of every document."""
        for row in self._db.execute("SELECT record_id, title, date, uri, metadata FROM records"):
            yield Document(row[0], row[1], row[2], row[3], read_metadata(row[4])[0])

    def nearest(self, vectors: NDArray[np.float32], depth: int, within: Within = None) -> list[list[int]]:
        """For each vector the passages nearest to it, nearest first; every passage is compared."""
        ids, matrix = self._matrix.load(self._read_matrix, vectors.shape[1])
        if within is not None:
            import numpy as np

            kept = np.flatnonzero(np.isin(ids, [row[0] for row in self._db.execute(_WITHIN, (_json(within),))]))
            ids, matrix = ids[kept], matrix[kept]
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

    def full_text_search(self, phrases: Sequence[str], depth: int, within: Within = None) -> list[int]:
        """Ids of the passages that hold any of the phrases, best first by BM25; titles count twice."""
        inside, values = ("", ()) if within is None else (f"AND rowid IN ({_WITHIN}) ", (_json(within),))
        rows = self._db.execute(
            f"SELECT rowid FROM passages_fts WHERE passages_fts MATCH ? {inside}"  # noqa: S608 - both texts are ours
            "ORDER BY bm25(passages_fts, 2.0, 1.0), rowid LIMIT ?",
            (fts5_query(phrases), *values, depth),
        )
        return [row[0] for row in rows]

    def gram_search(self, grams: Sequence[str], depth: int, within: Within = None) -> list[int]:
        """Ids of the passages that hold any of the pairs of letters, best first by BM25."""
        if within is None:
            return gram_table.search(self._db, grams, depth)
        return gram_table.search(self._db, grams, depth, f"AND rowid IN ({_WITHIN}) ", (_json(within),))

    def identities(self, keys: Sequence[int]) -> dict[int, PassageIdentity]:
        """The document of each passage, and the digest of its text."""
        statement = "SELECT id, record_id, content_hash FROM passages WHERE id IN (SELECT value FROM json_each(?))"
        rows = self._db.execute(statement, (json.dumps(list(keys)),))
        return {row[0]: PassageIdentity(row[1], row[2]) for row in rows}

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
