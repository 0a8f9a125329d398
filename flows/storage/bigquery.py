"""Reads rows of a BigQuery table page by page, so that memory stays flat however long the table is.

for row in bigquery_rows(BigQueryStorage(project="my-project", dataset="posts", table="march")):
    ...

Values reach the service as query parameters only. Names are the table's own, in backticks. A dry run asks first how
much the query would read; a query that would read more than `most_bytes` is not run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from contract.errors import StorageError
from contract.storage import BigQueryStorage
from flows.config.diagnostics import closest_name, join_names
from flows.storage.bigquery_where import Parameter, where_of
from flows.storage.columns import COLUMN_ALIASES
from flows.storage.google_cloud import RETRY_SECONDS, Target, as_storage_errors, client_settings
from flows.storage.parquet import binary_or_json
from flows.storage.rows import Row, Rows

PAGE_SIZE = 500
"""Rows per request; the service sends fewer where they are long."""
_SORTABLE_TYPES = frozenset({"STRING", "INTEGER", "INT64"})


def table_name(storage: BigQueryStorage) -> str:
    """The table's full name, `project.dataset.table`."""
    return f"{storage.project}.{storage.dataset}.{storage.table}"


def target_of(storage: BigQueryStorage, roles: str) -> Target:
    """The table as the target of requests, named in their errors; `roles` is what the account needs."""
    parts = f"project {storage.project}, dataset {storage.dataset}, table {storage.table}"
    name = f"the BigQuery table {table_name(storage)} ({parts})"
    return Target(name, roles, storage.endpoint, storage.timeout_seconds)


def client_of(storage: BigQueryStorage, target: Target) -> Any:
    """A client with a time limit on every request. Raises StorageError without credentials."""
    from google.cloud import bigquery

    return bigquery.Client(location=storage.location, **client_settings(target, storage.project))


def request_options(storage: BigQueryStorage) -> dict[str, Any]:
    """Keyword arguments for every call: the time limit of a request, and how long it is tried again."""
    from google.cloud.bigquery.retry import DEFAULT_RETRY

    return {"timeout": storage.timeout_seconds, "retry": DEFAULT_RETRY.with_timeout(RETRY_SECONDS)}


def quote_identifier(*names: str) -> str:
    """Names quoted for SQL: `` `project`.`dataset` ``. Raises StorageError for a name that could end its quotation."""
    for name in names:
        if not name or any(mark in name for mark in "`\\\n"):
            raise StorageError(f"{name!r} is not a valid name in BigQuery")
    return ".".join(f"`{name}`" for name in names)


def bigquery_rows(storage: BigQueryStorage) -> Rows:
    """Every row that `where` selects, sorted by id where a column holds ids; nested columns are objects and lists.

    Raises StorageError when the table cannot be read, lacks a column, or more than `most_bytes` would be read.
    """
    target = _read_target(storage)
    with as_storage_errors(target):
        query = _dry_run(storage, target)
        if query.bytes > storage.most_bytes:
            raise StorageError(_too_many_bytes_message(storage, query.bytes))
        for number, values in enumerate(query.rows(), start=1):
            yield Row(number, {name: binary_or_json(value) for name, value in values}, table_name(storage))


def describe_query_size(storage: BigQueryStorage) -> str:
    """How much the query will read, in a sentence; the service bills nothing for this. Raises StorageError."""
    target = _read_target(storage)
    with as_storage_errors(target):
        byte_count = _dry_run(storage, target).bytes
    size, limit = format_bytes(byte_count), format_bytes(storage.most_bytes)
    return f"{table_name(storage)}: the query reads {size} (most_bytes: {limit})"


def table_state(storage: BigQueryStorage) -> list[str] | None:
    """Name, etag, time of change and number of rows, one of which changes when the table does.

    None where BigQuery does not report changes: for views, and while rows stream in. Raises StorageError when the
    service cannot be asked.
    """
    target = _read_target(storage)
    with as_storage_errors(target):
        table = client_of(storage, target).get_table(table_name(storage), **request_options(storage))
    if table.table_type != "TABLE" or table.streaming_buffer is not None:
        return None
    return [table_name(storage), str(table.etag), str(table.modified), str(table.num_rows)]


def format_bytes(number: float) -> str:
    """Bytes as a reader sees them: `12.3 MB`."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.0f} {unit}" if unit == "bytes" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} TB"


def _read_target(storage: BigQueryStorage) -> Target:
    return target_of(
        storage,
        f"roles/bigquery.dataViewer on the dataset {storage.dataset} "
        f"and roles/bigquery.jobUser on the project {storage.project}",
    )


def _too_many_bytes_message(storage: BigQueryStorage, byte_count: int) -> str:
    return (
        f"the query on {table_name(storage)} would read {format_bytes(byte_count)}, more than `most_bytes` allows "
        f"({format_bytes(storage.most_bytes)}); name fewer `columns:`, narrow it by `where:`, or raise `most_bytes`"
    )


@dataclass(frozen=True)
class Select:
    """A query: its text, and its parameters."""

    sql: str
    parameters: tuple[Parameter, ...]


@dataclass(frozen=True)
class _DryRunQuery:
    """A query that the service has checked and not yet run."""

    client: Any
    storage: BigQueryStorage
    select: Select
    bytes: int

    def rows(self) -> Iterator[Any]:
        """Runs the query; the (column, value) pairs of each row."""
        config = _job_config(self.select, maximum_bytes_billed=max(self.storage.most_bytes, self.bytes))
        options = request_options(self.storage)
        job = self.client.query(self.select.sql, job_config=config, job_retry=None, **options)
        for page in job.result(page_size=PAGE_SIZE, job_retry=None, **options).pages:
            for row in page:
                yield row.items()


def _dry_run(storage: BigQueryStorage, target: Target) -> _DryRunQuery:
    client = client_of(storage, target)
    options = request_options(storage)
    schema = client.get_table(table_name(storage), **options).schema
    select = build_select(
        storage, {field.name: ("REPEATED" if field.mode == "REPEATED" else field.field_type) for field in schema}
    )
    dry = _job_config(select, dry_run=True, use_query_cache=False)
    job = client.query(select.sql, job_config=dry, job_retry=None, **options)
    return _DryRunQuery(client, storage, select, int(job.total_bytes_processed or 0))


def _job_config(select: Select, **more: Any) -> Any:
    from google.cloud.bigquery import ArrayQueryParameter, QueryJobConfig, ScalarQueryParameter

    parameters = [
        ArrayQueryParameter(name, kind, cast("list[Any]", value))
        if isinstance(value, list)
        else ScalarQueryParameter(name, kind, value)
        for name, kind, value in select.parameters
    ]
    return QueryJobConfig(query_parameters=parameters, **more)


def build_select(storage: BigQueryStorage, schema: Mapping[str, str]) -> Select:
    """The query for a table with the columns and types of `schema`. Raises StorageError for a column not in it."""
    wanted = _selected_columns(storage, schema)
    table = quote_identifier(storage.project, storage.dataset, storage.table)
    for column in storage.where:
        if column not in schema:
            raise StorageError(f"`where`: {_no_column_message(storage, column, list(schema))}")
    where = where_of(storage, schema, {name: quote_identifier(name) for name in storage.where})
    ids = _id_column(storage, schema)
    sql = f"SELECT {', '.join(quote_identifier(name) for name in wanted)} FROM {table}"  # noqa: S608 - names are quoted
    if where.conditions:
        sql += f" WHERE {' AND '.join(where.conditions)}"
    if ids and schema[ids] in _SORTABLE_TYPES:
        sql += f" ORDER BY {quote_identifier(ids)}"
    return Select(sql, tuple(where.parameters))


def _selected_columns(storage: BigQueryStorage, schema: Mapping[str, str]) -> list[str]:
    """The columns to read: all, or those that `columns` names and those with a known alias."""
    if not storage.columns:
        return list(schema)
    roots = {_top_level_column(storage, column, schema) for column in storage.columns.values()}
    aliases = {name for field, names in COLUMN_ALIASES.items() if field not in storage.columns for name in names}
    return [name for name in schema if name in roots or name.lower() in aliases]


def _top_level_column(storage: BigQueryStorage, column: str, schema: Mapping[str, str]) -> str:
    root = column if column in schema else column.partition(".")[0]
    if root not in schema:
        raise StorageError(_no_column_message(storage, column, list(schema)))
    return root


def _id_column(storage: BigQueryStorage, schema: Mapping[str, str]) -> str | None:
    named = storage.columns.get("record_id")
    if named is not None:
        return named if named in schema else None
    by_name = {name.lower(): name for name in schema}
    return next((by_name[name] for name in COLUMN_ALIASES["record_id"] if name in by_name), None)


def _no_column_message(storage: BigQueryStorage, column: str, names: Sequence[str]) -> str:
    near = closest_name(column, names)
    meant = f"; did you mean '{near}'?" if near else ""
    return f"the table {table_name(storage)} has no column '{column}'{meant}; it has {join_names(names, 20)}"
