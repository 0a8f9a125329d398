"""What tables with typed columns have in common: the Parquet file beside the CSV, and values in their column's type."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from flows.tables.column_types import ColumnType, cast_to
from flows.tables.csv_text import escape_formula
from flows.tables.flatten import Scalar

if TYPE_CHECKING:
    from flows.tables.parquet import ParquetTableWriter


def parquet_writer(path: Path, columns: Mapping[str, ColumnType]) -> ParquetTableWriter:
    """The writer of the Parquet table beside a CSV."""
    from flows.tables.parquet import ParquetTableWriter

    return ParquetTableWriter(path, columns)


def csv_cell(column: ColumnType, value: Scalar) -> str:
    """A value as the text of a CSV cell of that column."""
    return escape_formula(value if isinstance(value, str) else cast_to(column, value))
