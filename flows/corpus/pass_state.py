"""Keeps on disk what a pass over a source must remember of every record, so that memory stays flat."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator


class PassState:
    """Ids and hashes of the records that a collection holds, and which of them the source still has."""

    def __init__(self, known_hashes: Iterable[tuple[str, str]]) -> None:
        # With an empty name SQLite makes a temporary file, and deletes it on close.
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.execute("CREATE TABLE held (record_id TEXT PRIMARY KEY, hash TEXT NOT NULL) WITHOUT ROWID")
        self._db.execute("CREATE TABLE seen (record_id TEXT PRIMARY KEY) WITHOUT ROWID")
        self._db.execute("BEGIN")
        self._db.executemany("INSERT OR REPLACE INTO held VALUES (?, ?)", known_hashes)

    def close(self) -> None:
        """Deletes everything."""
        self._db.close()

    def mark_seen(self, record_id: str) -> None:
        """Notes that the source still has this record."""
        self._db.execute("INSERT OR IGNORE INTO seen VALUES (?)", (record_id,))

    def hash_of(self, record_id: str) -> str | None:
        """The hash of a record that the collection held before, or None."""
        row = self._db.execute("SELECT hash FROM held WHERE record_id = ?", (record_id,)).fetchone()
        return row[0] if row else None

    def unseen(self) -> Iterator[str]:
        """The records that the collection holds and the source no longer has."""
        for row in self._db.execute("SELECT record_id FROM held WHERE record_id NOT IN (SELECT record_id FROM seen)"):
            yield row[0]

    def sorted_hashes(self) -> Iterator[tuple[str, str]]:
        """Ids and hashes of the collection's records, in the order of the ids."""
        yield from self._db.execute("SELECT record_id, hash FROM held ORDER BY record_id")
