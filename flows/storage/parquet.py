"""Reads rows of a Parquet file, 64 at a time."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from contract.errors import StorageError
from flows.storage.rows import Reject, Row, Rows
from flows.storage.values import to_json_value

_BATCH_ROWS = 64


def parquet_rows(path: Path) -> Rows:
    """Every row; nested columns as objects and lists, dates as ISO text, decimals exact.

    Raises StorageError when the file is not valid Parquet, two columns have the same name, or pyarrow is not installed.
    """
    parquet: Any = import_module("pyarrow.parquet")
    pyarrow: Any = import_module("pyarrow")
    number = 0
    try:
        with parquet.ParquetFile(path) as file:
            _check_duplicate_columns(file.schema_arrow.names, path)
            for batch in file.iter_batches(batch_size=_BATCH_ROWS):
                for values in _batch_rows(batch, number, path):
                    number += 1
                    yield values if isinstance(values, Reject) else Row(number, values, str(path))
    except (pyarrow.ArrowException, ValueError, TypeError, OverflowError, MemoryError) as error:
        raise StorageError(f"{path} cannot be read as Parquet after row {number}: {error}") from None


def _batch_rows(batch: Any, before: int, path: Path) -> Iterator[dict[str, Any] | Reject]:
    """The values of each row; a Reject for one that Python cannot hold, such as a date in year 10000."""
    try:
        rows: list[dict[str, Any] | Reject] = batch.to_pylist()
    except (ValueError, OverflowError, LookupError):
        rows = [_single_row(batch.slice(at, 1), before + at + 1, path) for at in range(batch.num_rows)]
    for row in rows:
        yield row if isinstance(row, Reject) else {name: binary_or_json(value) for name, value in row.items()}


def _single_row(batch: Any, number: int, path: Path) -> dict[str, Any] | Reject:
    found: dict[str, Any] = {}
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        try:
            [found[name]] = column.to_pylist()
        except (ValueError, OverflowError) as error:
            return Reject(number, f"the value of `{name}` cannot be read: {_reason(column.type, error)}", "", str(path))
        except LookupError as error:
            reason = f"the value of `{name}` cannot be read: there is no time zone {error}"
            return Reject(number, reason, "", str(path))
    return found


def _reason(kind: Any, error: Exception) -> str:
    types: Any = import_module("pyarrow.types")
    nested = [kind.field(at).type for at in range(kind.num_fields)]
    if any(types.is_temporal(one) for one in (kind, *nested)):
        return "it is a time or a date beyond what can be read, which is the years 1 to 9999"
    return str(error)


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
