"""Saves cells to BigQuery; saving the same cells again changes nothing there.

One job loads the rows into a staging table, and one statement merges them from there by cell id. So the table holds all
of a run or nothing of it, wherever the saving was interrupted. A row whose answer is the same is not changed.
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
from flows.storage.bigquery import client_of, quote_identifier, request_options, table_name, target_of
from flows.storage.bigquery_schema import TableColumn, columns_of, schema_difference
from flows.storage.google_cloud import UPLOAD_RETRIES, as_storage_errors
from flows.storage.saved_cell import SavedCell, saved_cell

CLUSTERING_FIELDS = ("flow", "step", "record_id")
PARTITION_FIELD = "ended"
_KEY_COLUMN, _DIGEST_COLUMN = "cell_id", "answer_digest"
_STAGING_EXPIRY = timedelta(days=1)
"""Time after which the service itself removes a staging table that a killed run left."""


def save_cells(storage: BigQueryStorage, folder: Path) -> str:
    """Saves the cells of the finished run in `folder`; returns a sentence on what changed.

    Creates the table where there is none, and adds columns that it lacks. Raises StorageError when it cannot be
    written, or when one of its columns has another type; the table is then unchanged.
    """
    target = target_of(
        storage,
        f"roles/bigquery.dataEditor on the dataset {storage.dataset} "
        f"and roles/bigquery.jobUser on the project {storage.project}",
    )
    with as_storage_errors(target), tempfile.TemporaryFile() as file:
        number = _write_json_lines(file, folder)
        if not number:
            return "no cells"
        saver = _BigQuerySaver(storage, client_of(storage, target))
        added = saver.prepare_table()
        return f"{number:,} cells, {saver.save(file):,} of them new or changed{added}"


def _write_json_lines(file: IO[bytes], folder: Path) -> int:
    """Writes the rows as JSON, one a line; returns their number."""
    number = 0
    for trace in RunData.open(folder).traces():
        file.write(saved_cell(trace, folder.name).model_dump_json(exclude_none=True).encode() + b"\n")
        number += 1
    return number


class _BigQuerySaver:
    def __init__(self, storage: BigQueryStorage, client: Any) -> None:
        self._storage = storage
        self._client = client
        self._limits = request_options(storage)
        self._columns = columns_of(SavedCell)

    def prepare_table(self) -> str:
        """Creates the table, or adds the columns that it lacks; returns what was added, as the end of a sentence.

        Raises StorageError when the table cannot take the rows.
        """
        from google.api_core.exceptions import NotFound

        try:
            table = self._client.get_table(table_name(self._storage), **self._limits)
        except NotFound:
            self._check_dataset()
            self._client.create_table(self._table_definition(), exists_ok=True, **self._limits)
            return ", in a new table"
        existing = [TableColumn(field.name, field.field_type, field.mode) for field in table.schema]
        differences = schema_difference(self._columns, existing)
        if differences.conflicts:
            raise StorageError(
                f"the table {table_name(self._storage)} cannot take cells: "
                f"{'; '.join(differences.conflicts)}. Nothing was changed; "
                "save to another table (`table:`), or rename this one and copy its rows into the new one"
            )
        if not differences.missing:
            return ""
        for column in differences.missing:
            self._run_statement(add_column_sql(self._storage, column))
        added = ", ".join(column.name for column in differences.missing)
        return f"; the table lacked {added}, which was added, empty in old rows"

    def _check_dataset(self) -> None:
        from google.api_core.exceptions import NotFound

        dataset = f"{self._storage.project}.{self._storage.dataset}"
        try:
            self._client.get_dataset(dataset, **self._limits)
        except NotFound as error:
            command = f"bq mk --dataset --location=EU {self._storage.project}:{self._storage.dataset}"
            raise StorageError(
                f"there is no dataset {dataset} for the table {table_name(self._storage)}, or this account may not "
                f"see it; make it where your data may lie, for example with `{command}`"
            ) from error

    def save(self, file: IO[bytes]) -> int:
        """Loads the rows into a staging table and merges them; returns how many were new or changed."""
        staging_table = f"{self._storage.table}_saving_{uuid4().hex}"
        staging_id = f"{self._storage.project}.{self._storage.dataset}.{staging_table}"
        try:
            self._load_staging_table(file, staging_id)
            return self._merge(staging_table)
        finally:
            with suppress(Exception):
                self._client.delete_table(
                    staging_id, not_found_ok=True, retry=None, timeout=self._storage.timeout_seconds
                )

    def _table_definition(self) -> Any:
        from google.cloud.bigquery import Table, TimePartitioning, TimePartitioningType

        table = Table(table_name(self._storage), schema=_schema_fields(self._columns))
        table.time_partitioning = TimePartitioning(type_=TimePartitioningType.DAY, field=PARTITION_FIELD)
        table.clustering_fields = list(CLUSTERING_FIELDS)
        table.description = "Cells of studies: one row for each record, step, variant and repeat."
        return table

    def _load_staging_table(self, file: IO[bytes], staging_id: str) -> None:
        from google.cloud.bigquery import LoadJobConfig, SourceFormat, Table, WriteDisposition

        table = Table(staging_id, schema=_schema_fields(self._columns))
        table.expires = datetime.now(UTC) + _STAGING_EXPIRY
        self._client.create_table(table, exists_ok=True, **self._limits)
        config = LoadJobConfig(
            schema=_schema_fields(self._columns),
            source_format=SourceFormat.NEWLINE_DELIMITED_JSON,
            write_disposition=WriteDisposition.WRITE_TRUNCATE,
        )
        seconds = self._storage.timeout_seconds
        job = self._client.load_table_from_file(
            file, staging_id, rewind=True, num_retries=UPLOAD_RETRIES, job_config=config, timeout=seconds
        )
        job.result(**self._limits)

    def _merge(self, staging_table: str) -> int:
        job = self._run_statement(merge_sql(self._storage, staging_table, [column.name for column in self._columns]))
        return int(job.num_dml_affected_rows or 0)

    def _run_statement(self, sql: str) -> Any:
        from google.cloud.bigquery import QueryJobConfig

        config = QueryJobConfig(maximum_bytes_billed=self._storage.most_bytes)
        job = self._client.query(sql, job_config=config, job_retry=None, **self._limits)
        job.result(job_retry=None, **self._limits)
        return job


def _schema_fields(columns: Sequence[TableColumn]) -> list[Any]:
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


def add_column_sql(storage: BigQueryStorage, column: TableColumn) -> str:
    """The SQL that adds a column to the storage's table; the column is empty in existing rows."""
    kind = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL"}.get(column.type, column.type)
    declared = f"{quote_identifier(column.name)} {f'ARRAY<{kind}>' if column.mode == 'REPEATED' else kind}"
    table = quote_identifier(storage.project, storage.dataset, storage.table)
    return f"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {declared}"


def merge_sql(storage: BigQueryStorage, staging_table: str, columns: Sequence[str]) -> str:
    """The SQL that merges the rows of `staging_table` into the storage's table."""
    names = [quote_identifier(column) for column in columns]
    key, same = quote_identifier(_KEY_COLUMN), quote_identifier(_DIGEST_COLUMN)
    changes = ", ".join(f"{name} = fresh.{name}" for name in names if name != key)
    values = ", ".join(f"fresh.{name}" for name in names)
    table = quote_identifier(storage.project, storage.dataset, storage.table)
    staging = quote_identifier(storage.project, storage.dataset, staging_table)
    return (
        f"MERGE {table} AS kept "  # noqa: S608 - names are quoted
        f"USING {staging} AS fresh ON kept.{key} = fresh.{key} "
        f"WHEN MATCHED AND kept.{same} IS DISTINCT FROM fresh.{same} THEN UPDATE SET {changes} "
        f"WHEN NOT MATCHED THEN INSERT ({', '.join(names)}) VALUES ({values})"
    )
