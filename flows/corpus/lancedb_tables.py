"""Opens, creates, reads and changes the tables of a LanceDB collection; rows are read in batches.

Every change of a table makes one version of it, which exists complete or not at all. An open table keeps showing its
version.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from contract.errors import StorageError
from contract.storage import BUCKET_URL_PREFIX
from flows.storage.values import import_optional

T = TypeVar("T")
IDS_PER_QUERY = 500
"""Ids per query."""


class LanceDBTables:
    """The tables of one collection, by name."""

    def __init__(self, uri: str, endpoint: str | None) -> None:
        """Connects; creates no table. Raises StorageError without LanceDB, or when the place cannot be used."""
        self.uri = uri
        lance = import_optional("lancedb", "vector", "a vector collection")
        with self.as_storage_errors():
            if not uri.startswith(BUCKET_URL_PREFIX):
                Path(uri).mkdir(parents=True, exist_ok=True)
            self._db: Any = lance.connect(uri, storage_options=_storage_options(uri, endpoint))
        self._open_tables: dict[str, Any] = {}
        self._table_names = set[str]()
        self.refresh()

    def refresh(self) -> None:
        """Reads again which tables exist."""
        with self.as_storage_errors():
            self._table_names = set(self._db.list_tables().tables)

    @contextmanager
    def as_storage_errors(self) -> Generator[None]:
        """Turns what LanceDB raises in the block into a StorageError in plain words."""
        try:
            yield
        except (OSError, RuntimeError, ValueError) as error:
            first = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
            raise StorageError(f"the collection {self.uri} cannot be used: {first[:300]}") from error

    def open_table(self, name: str) -> Any:
        """The table, or None when there is none yet."""
        if name not in self._open_tables and name in self._table_names:
            with self.as_storage_errors():
                self._open_tables[name] = self._db.open_table(name)
        return self._open_tables.get(name)

    def pin_version(self) -> None:
        """Keeps showing every table as it is now."""
        for name in self._table_names:
            table = self.open_table(name)
            with self.as_storage_errors():
                table.checkout(table.version)

    def get_or_create(self, name: str, schema: Any) -> Any:
        """The table, created if it is missing."""
        found = self.open_table(name)
        if found is None:
            with self.as_storage_errors():
                found = self._open_tables[name] = self._db.create_table(name, schema=schema, exist_ok=True)
            self._table_names.add(name)
        return found

    def overwrite(self, name: str, rows: Any) -> None:
        """Replaces the whole table by the rows."""
        with self.as_storage_errors():
            self._open_tables[name] = self._db.create_table(
                name, rows, mode="overwrite" if name in self._table_names else "create"
            )
        self._table_names.add(name)

    def upsert(self, name: str, key: str, rows: Any) -> None:
        """Inserts the rows, and replaces those with the same value of the column `key`."""
        with self.as_storage_errors():
            table = self._open_tables[name]
            table.merge_insert(key).when_matched_update_all().when_not_matched_insert_all().execute(rows)

    def delete(self, name: str, column: str, values: Iterable[str]) -> None:
        """Deletes the rows with one of the values in `column`."""
        if (table := self.open_table(name)) is None:
            return
        with self.as_storage_errors():
            for some in batched(values):
                table.delete(is_in(column, some))

    def delete_all_rows(self, name: str) -> None:
        """Deletes all rows."""
        if (table := self.open_table(name)) is not None:
            with self.as_storage_errors():
                table.delete("true")

    def rows(self, name: str, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
        """These columns of every row, in no order."""
        if (table := self.open_table(name)) is None:
            return
        with self.as_storage_errors():
            for batch in table.search().select(list(columns)).to_batches():
                yield from batch.to_pylist()

    def select_in(self, name: str, column: str, values: Iterable[str], columns: Sequence[str]) -> Iterator[Any]:
        """These columns, as Arrow tables, of the rows with one of the values in `column`."""
        if (table := self.open_table(name)) is None:
            return
        with self.as_storage_errors():
            for some in batched(values):
                yield table.search().where(is_in(column, some)).select(list(columns)).to_arrow()

    def count(self, name: str) -> int:
        """The number of rows; 0 when there is no table."""
        with self.as_storage_errors():
            table = self.open_table(name)
            return 0 if table is None else int(table.count_rows())


def _storage_options(uri: str, endpoint: str | None) -> dict[str, str]:
    """LanceDB's options for a bucket: time limits, and at another address than Google's, an account without secrets."""
    if not uri.startswith(BUCKET_URL_PREFIX):
        return {}
    if endpoint:
        # With an account without a key, LanceDB signs no request.
        anonymous = {"gcs_base_url": endpoint, "disable_oauth": True, "client_email": "", "private_key": ""}
        account = {"google_service_account_key": json.dumps({**anonymous, "private_key_id": ""}), "allow_http": "true"}
    else:
        account = dict[str, str]()
    timeouts = {"client_max_retries": "3", "client_retry_timeout": "10", "connect_timeout": "5s", "timeout": "60s"}
    return {**timeouts, **account}


def is_in(column: str, values: Sequence[str]) -> Any:
    """The condition that a column has one of the values, which are never part of a statement's text."""
    expressions = import_optional("lancedb.expr", "vector", "a vector collection")
    return expressions.col(column).isin(list(values))


def batched(values: Iterable[T]) -> Iterator[list[T]]:
    """The values in lists of at most IDS_PER_QUERY."""
    left = iter(values)
    while some := list(islice(left, IDS_PER_QUERY)):
        yield some
