"""Reads rows of a Parquet file, 64 at a time. Needs the extra `studies`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from contract.errors import StorageError
from flows.storage.rows import Row, Rows
from flows.storage.values import import_optional, to_json_value

_BATCH_ROWS = 64


def parquet_rows(path: Path) -> Rows:
    """Every row; nested columns as objects and lists, dates as ISO text, decimals exact.

    Raises StorageError when the file is not valid Parquet, two columns have the same name, or pyarrow is not installed.
    """
    parquet = import_optional("pyarrow.parquet", "studies", "reading Parquet")
    pyarrow = import_optional("pyarrow", "studies", "reading Parquet")
    number = 0
    try:
        with parquet.ParquetFile(path) as file:
            _check_duplicate_columns(file.schema_arrow.names, path)
            for batch in file.iter_batches(batch_size=_BATCH_ROWS):
                for values in cast("list[dict[str, Any]]", batch.to_pylist()):
                    number += 1
                    yield Row(number, {name: binary_or_json(value) for name, value in values.items()}, str(path))
    except (pyarrow.ArrowException, ValueError) as error:
        raise StorageError(f"{path} cannot be read as Parquet after row {number}: {error}") from None


def binary_or_json(value: Any) -> Any:
    """A cell's value as JSON; bytes, alone or under `bytes` in an object, stay bytes: they may be a picture."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, dict) and isinstance(cast("dict[str, Any]", value).get("bytes"), bytes):
        return cast("dict[str, Any]", value)
    return to_json_value(value)


def _check_duplicate_columns(names: list[str], path: Path) -> None:
    duplicates = sorted({name for name in names if names.count(name) > 1})
    if duplicates:
        raise StorageError(f"{path}: two columns have the same name: {', '.join(duplicates)}")
