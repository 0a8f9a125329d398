"""Vector tables: the tables of a collection in LanceDB, opened, made where they are missing, and read in pieces.

Every change of a table is one version of it, there whole or not at all; who has a table open goes on seeing the
version that was there.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from contract.errors import StorageError
from contract.storage import IN_BUCKETS
from flows.storage.values import library

T = TypeVar("T")
TOGETHER = 500
"""Ids that are asked for at once."""


class VectorTables:
    """The tables of one collection, by name."""

    def __init__(self, place: str, endpoint: str | None) -> None:
        """Connects; makes nothing. Raises StorageError without LanceDB, or when the place cannot be used."""
        self.place = place
        lance = library("lancedb", "vector", "a vector collection")
        with self.plainly():
            if not place.startswith(IN_BUCKETS):
                Path(place).mkdir(parents=True, exist_ok=True)
            self._db: Any = lance.connect(place, storage_options=_options(place, endpoint))
        self._open: dict[str, Any] = {}
        self._there = set[str]()
        self.look()

    def look(self) -> None:
        """Sees which tables are there now."""
        with self.plainly():
            self._there = set(self._db.list_tables().tables)

    @contextmanager
    def plainly(self) -> Generator[None]:
        """What LanceDB raises in the block, as a StorageError in plain words."""
        try:
            yield
        except (OSError, RuntimeError, ValueError) as error:
            first = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
            raise StorageError(f"the collection {self.place} cannot be used: {first[:300]}") from error

    def find(self, name: str) -> Any:
        """The table, or None when there is none yet."""
        if name not in self._open and name in self._there:
            with self.plainly():
                self._open[name] = self._db.open_table(name)
        return self._open.get(name)

    def hold_still(self) -> None:
        """Goes on seeing every table as it is now."""
        for name in self._there:
            table = self.find(name)
            with self.plainly():
                table.checkout(table.version)

    def make(self, name: str, schema: Any) -> Any:
        """The table, made when it was missing."""
        found = self.find(name)
        if found is None:
            with self.plainly():
                found = self._open[name] = self._db.create_table(name, schema=schema, exist_ok=True)
            self._there.add(name)
        return found

    def rewrite(self, name: str, rows: Any) -> None:
        """Puts the rows in the place of the whole table."""
        with self.plainly():
            self._open[name] = self._db.create_table(name, rows, mode="overwrite" if name in self._there else "create")
        self._there.add(name)

    def put(self, name: str, key: str, rows: Any) -> None:
        """Puts rows in the place of those with the same `key`."""
        with self.plainly():
            table = self._open[name]
            table.merge_insert(key).when_matched_update_all().when_not_matched_insert_all().execute(rows)

    def delete(self, name: str, column: str, values: Iterable[str]) -> None:
        """Deletes the rows that have one of the values in that column."""
        if (table := self.find(name)) is None:
            return
        with self.plainly():
            for some in pieces(values):
                table.delete(among(column, some))

    def clear(self, name: str) -> None:
        """Deletes all rows."""
        if (table := self.find(name)) is not None:
            with self.plainly():
                table.delete("true")

    def rows(self, name: str, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Those columns of every row, in no order."""
        if (table := self.find(name)) is None:
            return
        with self.plainly():
            for batch in table.search().select(list(columns)).to_batches():
                yield from batch.to_pylist()

    def among(self, name: str, column: str, values: Iterable[str], columns: Sequence[str]) -> Iterator[Any]:
        """Those columns, as Arrow tables, of the rows that have one of the values in `column`."""
        if (table := self.find(name)) is None:
            return
        with self.plainly():
            for some in pieces(values):
                yield table.search().where(among(column, some)).select(list(columns)).to_arrow()

    def count(self, name: str) -> int:
        """How many rows there are."""
        with self.plainly():
            table = self.find(name)
            return 0 if table is None else int(table.count_rows())


def _options(place: str, endpoint: str | None) -> dict[str, str]:
    """What is said to the service: how long it may take, and at another address than Google's, nothing secret."""
    if not place.startswith(IN_BUCKETS):
        return {}
    if endpoint:
        # How LanceDB is told to sign nothing: an account without a key.
        anonymous = {"gcs_base_url": endpoint, "disable_oauth": True, "client_email": "", "private_key": ""}
        account = {"google_service_account_key": json.dumps({**anonymous, "private_key_id": ""}), "allow_http": "true"}
    else:
        account = dict[str, str]()
    timeouts = {"client_max_retries": "3", "client_retry_timeout": "10", "connect_timeout": "5s", "timeout": "60s"}
    return {**timeouts, **account}


def among(column: str, values: Sequence[str]) -> Any:
    """The condition that a column has one of the values; they are never part of a statement's text."""
    expressions = library("lancedb.expr", "vector", "a vector collection")
    return expressions.col(column).isin(list(values))


def pieces(values: Iterable[T]) -> Iterator[list[T]]:
    """The values, some at a time."""
    left = iter(values)
    while some := list(islice(left, TOGETHER)):
        yield some
