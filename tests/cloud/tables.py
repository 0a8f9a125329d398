"""Tables and buckets of the emulators: fills them and reads them."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

from contract.storage import BigQueryStorage, GCSStorage
from flows.storage import bigquery, gcs


def client_to(storage: BigQueryStorage) -> Any:
    """BigQuery as any other program would use it."""
    return bigquery.client_of(storage, bigquery.target_of(storage, ""))


def objects_of(storage: GCSStorage) -> Any:
    """The bucket, as any other program would use it."""
    return gcs.client_of(storage, gcs.target_of(storage, "")).bucket(storage.bucket)


def fill(storage: BigQueryStorage, schema: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]]) -> None:
    """Makes the table with those rows, or adds them to it."""
    from google.cloud.bigquery import LoadJobConfig, SchemaField

    field_of: Any = SchemaField
    config = LoadJobConfig(
        schema=[field_of.from_api_repr(field) for field in schema], source_format="NEWLINE_DELIMITED_JSON"
    )
    lines = io.BytesIO("".join(json.dumps(row) + "\n" for row in rows).encode())
    table_name = f"{storage.project}.{storage.dataset}.{storage.table}"
    client_to(storage).load_table_from_file(lines, table_name, rewind=True, job_config=config).result()


def rows_in(storage: BigQueryStorage, order: str = "cell_id") -> list[dict[str, Any]]:
    """Every row of the table."""
    table_name = f"`{storage.project}`.`{storage.dataset}`.`{storage.table}`"
    return [dict(row) for row in client_to(storage).query(f"SELECT * FROM {table_name} ORDER BY {order}").result()]


def tables_in(storage: BigQueryStorage) -> set[str]:
    """The tables of its dataset."""
    return {table.table_id for table in client_to(storage).list_tables(f"{storage.project}.{storage.dataset}")}


def objects_in(storage: GCSStorage) -> dict[str, tuple[int, bytes]]:
    """Name -> generation and bytes of every object."""
    return {blob.name: (blob.generation, blob.download_as_bytes()) for blob in objects_of(storage).list_blobs()}
