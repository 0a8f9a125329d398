"""Saves cells to BigQuery; saving the same cells again changes nothing there.

One job loads the rows into a staging table, and one statement merges them from there by study and cell id. So the table
holds all of a run or nothing of it, wherever the saving was interrupted. A row whose answer is the same is not changed.
The statement names the days on which its rows stand already, so that BigQuery reads no other partition.

Which cells a run has stands in a second table, `<table>_runs`, in the same way, for unchanged cells too.

Before anything is merged, the table is asked whose the rows are that would be replaced: where they are another group's,
nothing is saved.
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
from flows.storage.bigquery import client_of, request_options, table_name, target_of
from flows.storage.bigquery_owner import StandingRows
from flows.storage.bigquery_schema import TableColumn, columns_of, schema_difference
from flows.storage.bigquery_sql import CELLS, RUNS, SavedTable, add_column_sql, days_sql, merge_sql, standing_sql
from flows.storage.google_cloud import UPLOAD_RETRIES, as_storage_errors
from flows.storage.saved_cell import RunCell, saved_cell

_STAGING_EXPIRY = timedelta(days=1)
"""Time after which the service itself removes a staging table that a killed run left."""


def save_cells(storage: BigQueryStorage, folder: Path) -> str:
    """Saves the cells of the finished run in `folder`; returns a sentence on what changed.

    Creates the tables where there are none, and adds columns that they lack. Raises StorageError when they cannot be
    written, when one of their columns has another type, or when another group's rows would be replaced; the tables then
    have the rows that they had.
    """
    target = target_of(
        storage,
        f"roles/bigquery.dataEditor on the dataset {storage.dataset} "
        f"and roles/bigquery.jobUser on the project {storage.project}",
    )
    with as_storage_errors(target), tempfile.TemporaryFile() as cells, tempfile.TemporaryFile() as members:
        number = _write_json_lines(cells, members, RunData.open(folder), storage)
        if not number:
            return "no cells"
        client = client_of(storage, target)
        savers = [(_TableSaver(storage, client, CELLS), cells), (_TableSaver(storage, client, RUNS), members)]
        # Both tables are looked at before either is written.
        added = [saver.prepare_table() for saver, _ in savers]
        try:
            for saver, file in savers:
                saver.load(file)
            standing = savers[0][0].standing_rows()
            standing.raise_if_others()
            changed = [saver.merge() for saver, _ in savers]
        finally:
            for saver, _ in savers:
                saver.tidy()
        return f"{number:,} cells, {changed[0]:,} of them new or changed{''.join(dict.fromkeys(added))}{standing.told}"


def _write_json_lines(cells: IO[bytes], members: IO[bytes], data: RunData, storage: BigQueryStorage) -> int:
    """Writes the rows of both tables as JSON, one a line; returns the number of cells."""
    number, started = 0, data.manifest.get("started")
    for trace in data.traces():
        row = saved_cell(trace, data.folder.name, storage.study or "", storage.owner)
        member = RunCell(
            study=row.study,
            owner=row.owner,
            run=row.run,
            started=started or row.started,
            flow=row.flow,
            cell_id=row.cell_id,
            answer_digest=row.answer_digest,
        )
        for file, one in ((cells, row), (members, member)):
            file.write(one.model_dump_json(exclude_none=True).encode() + b"\n")
        number += 1
    return number


class _TableSaver:
    def __init__(self, storage: BigQueryStorage, client: Any, table: SavedTable) -> None:
        self._storage = storage.model_copy(update={"table": f"{storage.table}{table.suffix}"})
        self._client = client
        self._table = table
        self._limits = request_options(storage)
        self._columns = columns_of(table.rows)
        self._staging_table = f"{self._storage.table}_saving_{uuid4().hex}"
        self._staging_id = f"{storage.project}.{storage.dataset}.{self._staging_table}"

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

    def load(self, file: IO[bytes]) -> None:
        """Loads the rows into a staging table."""
        self._load_staging_table(file, self._staging_id)

    def standing_rows(self) -> StandingRows:
        """What the table holds of the cells that were loaded."""
        [found] = self._run_statement(standing_sql(self._storage, self._staging_table)).result(**self._limits)
        return StandingRows.of(self._storage, dict(found.items()))

    def merge(self) -> int:
        """Merges the rows that were loaded; returns how many were new or changed."""
        names = [column.name for column in self._columns]
        found = self._run_statement(days_sql(self._storage, self._staging_table, self._table)).result(**self._limits)
        days = [row["day"] for row in found if row["day"] is not None]
        job = self._run_statement(merge_sql(self._storage, self._staging_table, names, self._table, days))
        return int(job.num_dml_affected_rows or 0)

    def tidy(self) -> None:
        """Removes the staging table; where that fails, the service does after a day."""
        with suppress(Exception):
            self._client.delete_table(
                self._staging_id, not_found_ok=True, retry=None, timeout=self._storage.timeout_seconds
            )

    def _table_definition(self) -> Any:
        from google.cloud.bigquery import Table, TimePartitioning, TimePartitioningType

        table = Table(table_name(self._storage), schema=_schema_fields(self._columns))
        table.time_partitioning = TimePartitioning(type_=TimePartitioningType.DAY, field=self._table.partition)
        table.clustering_fields = list(self._table.clustering)
        table.description = self._table.description
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
