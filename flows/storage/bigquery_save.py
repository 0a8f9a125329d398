"""Saving cells to BigQuery, so that saving the same cells again changes nothing there.

The rows are loaded into a table beside, in one job, and from there merged by cell id, in one statement: so the table
holds all of a run or nothing of it, wherever the saving was interrupted. A row whose answer is the same is left alone.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

from contract.errors import StorageError
from contract.storage import BigQueryStorage
from flows.files.run_data import RunData
from flows.storage.bigquery import called, client_of, limits, quoted, target_of
from flows.storage.bigquery_schema import Column, columns_of, difference
from flows.storage.gcp import UPLOAD_RETRIES, plainly
from flows.storage.saved_cell import SavedCell, saved_cell

CLUSTERED = ("flow", "step", "record_id")
PARTITIONED = "ended"
_KEY, _DIGEST = "cell_id", "answer_digest"
_FORGOTTEN = timedelta(days=1)
"""After which the service itself removes a table beside that a killed run could not."""


def save_cells(storage: BigQueryStorage, folder: Path) -> str:
    """Saves the cells of the finished run in `folder`; tells in a sentence what changed.

    Makes the table where there is none, and adds columns that it lacks. Raises StorageError when it cannot be written,
    or when one of its columns has another type; the table is then as it was.
    """
    target = target_of(
        storage,
        f"roles/bigquery.dataEditor on the dataset {storage.dataset} "
        f"and roles/bigquery.jobUser on the project {storage.project}",
    )
    with plainly(target), tempfile.TemporaryFile() as file:
        number = _write(file, folder)
        if not number:
            return "no cells"
        saver = _Saving(storage, client_of(storage, target))
        added = saver.prepare()
        return f"{number:,} cells, {saver.save(file):,} of them new or changed{added}"


def _write(file: IO[bytes], folder: Path) -> int:
    """Rows as JSON, one a line; gives their number."""
    number = 0
    for trace in RunData.open(folder).traces():
        file.write(saved_cell(trace, folder.name).model_dump_json(exclude_none=True).encode() + b"\n")
        number += 1
    return number


class _Saving:
    def __init__(self, storage: BigQueryStorage, client: Any) -> None:
        self._storage = storage
        self._client = client
        self._limits = limits(storage)
        self._columns = columns_of(SavedCell)

    def prepare(self) -> str:
        """Sees to it that the table is there and takes our rows; tells what was added to it."""
        from google.api_core.exceptions import NotFound

        try:
            table = self._client.get_table(called(self._storage), **self._limits)
        except NotFound:
            self._tell_no_dataset()
            self._client.create_table(self._made(), exists_ok=True, **self._limits)
            return ", in a new table"
        existing = [Column(field.name, field.field_type, field.mode) for field in table.schema]
        differences = difference(self._columns, existing)
        if differences.wrong:
            raise StorageError(
                f"the table {called(self._storage)} cannot take cells: {'; '.join(differences.wrong)}. Nothing was changed; "
                "save to another table (`table:`), or rename this one and copy its rows into the new one"
            )
        if not differences.new:
            return ""
        for column in differences.new:
            self._ask(addition_of(self._storage, column))
        return f"; the table lacked {', '.join(column.name for column in differences.new)}, which was added, empty in old rows"

    def _tell_no_dataset(self) -> None:
        from google.api_core.exceptions import NotFound

        dataset = f"{self._storage.project}.{self._storage.dataset}"
        try:
            self._client.get_dataset(dataset, **self._limits)
        except NotFound as error:
            make = f"bq mk --dataset --location=EU {self._storage.project}:{self._storage.dataset}"
            raise StorageError(
                f"there is no dataset {dataset} for the table {called(self._storage)}, or this account may not see it; "
                f"make it where your data may lie, for example with `{make}`"
            ) from error

    def save(self, file: IO[bytes]) -> int:
        """Loads the rows beside and merges them; gives how many were new or changed."""
        staging_table = f"{self._storage.table}_saving_{uuid4().hex}"
        staging_id = f"{self._storage.project}.{self._storage.dataset}.{staging_table}"
        try:
            self._load(file, staging_id)
            return self._merge(staging_table)
        finally:
            with suppress(Exception):
                self._client.delete_table(
                    staging_id, not_found_ok=True, retry=None, timeout=self._storage.timeout_seconds
                )

    def _made(self) -> Any:
        from google.cloud.bigquery import Table, TimePartitioning, TimePartitioningType

        table = Table(called(self._storage), schema=_fields(self._columns))
        table.time_partitioning = TimePartitioning(type_=TimePartitioningType.DAY, field=PARTITIONED)
        table.clustering_fields = list(CLUSTERED)
        table.description = "Cells of studies: one row for each record, step, variant and repeat."
        return table

    def _load(self, file: IO[bytes], place: str) -> None:
        from google.cloud.bigquery import LoadJobConfig, SourceFormat, Table, WriteDisposition

        table = Table(place, schema=_fields(self._columns))
        table.expires = datetime.now(UTC) + _FORGOTTEN
        self._client.create_table(table, exists_ok=True, **self._limits)
        config = LoadJobConfig(
            schema=_fields(self._columns),
            source_format=SourceFormat.NEWLINE_DELIMITED_JSON,
            write_disposition=WriteDisposition.WRITE_TRUNCATE,
        )
        seconds = self._storage.timeout_seconds
        job = self._client.load_table_from_file(
            file, place, rewind=True, num_retries=UPLOAD_RETRIES, job_config=config, timeout=seconds
        )
        job.result(**self._limits)

    def _merge(self, beside: str) -> int:
        job = self._ask(merge_of(self._storage, beside, [column.name for column in self._columns]))
        return int(job.num_dml_affected_rows or 0)

    def _ask(self, sql: str) -> Any:
        job = self._client.query(sql, job_retry=None, **self._limits)
        job.result(job_retry=None, **self._limits)
        return job


def _fields(columns: Sequence[Column]) -> list[Any]:
    from google.cloud.bigquery import SchemaField

    return [
        SchemaField(
            column.name,
            column.type,
            mode=column.mode,
            description=column.description,
        )
        for column in columns
    ]


def addition_of(storage: BigQueryStorage, column: Column) -> str:
    """The statement that adds a column to the storage's table; it is empty in the rows that are there."""
    kind = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL"}.get(column.type, column.type)
    declared = f"{quoted(column.name)} {f'ARRAY<{kind}>' if column.mode == 'REPEATED' else kind}"
    return f"ALTER TABLE {quoted(storage.project, storage.dataset, storage.table)} ADD COLUMN IF NOT EXISTS {declared}"


def merge_of(storage: BigQueryStorage, beside: str, columns: Sequence[str]) -> str:
    """The statement that brings the rows of the table `beside` into the storage's own."""
    names = [quoted(column) for column in columns]
    key, same = quoted(_KEY), quoted(_DIGEST)
    changes = ", ".join(f"{name} = fresh.{name}" for name in names if name != key)
    values = ", ".join(f"fresh.{name}" for name in names)
    return (
        f"MERGE {quoted(storage.project, storage.dataset, storage.table)} AS kept "  # noqa: S608 - names are quoted
        f"USING {quoted(storage.project, storage.dataset, beside)} AS fresh ON kept.{key} = fresh.{key} "
        f"WHEN MATCHED AND kept.{same} IS DISTINCT FROM fresh.{same} THEN UPDATE SET {changes} "
        f"WHEN NOT MATCHED THEN INSERT ({', '.join(names)}) VALUES ({values})"
    )
