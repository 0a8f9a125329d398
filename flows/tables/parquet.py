"""Writes a Parquet file in row groups, with the types that were found for the columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[reportMissingTypeStubs]
import pyarrow.parquet as pq  # type: ignore[reportMissingTypeStubs]

from flows.tables.arrays import arrow_array, arrow_type
from flows.tables.column_types import ColumnType
from flows.tables.flatten import Scalar

ROW_GROUP_SIZE = 2000


class ParquetTableWriter:
    """Takes rows one by one. Use as a context manager; the file exists, complete, once the block ends without error."""

    def __init__(self, path: Path, columns: Mapping[str, ColumnType]) -> None:
        arrow: Any = pa
        self._path = path
        self._columns = columns
        self._schema = arrow.schema([(name, arrow_type(kind)) for name, kind in columns.items()])
        self._rows = list[Sequence[Scalar]]()

    def __enter__(self) -> ParquetTableWriter:
        self._writer: Any = pq.ParquetWriter(self._temporary_path, self._schema)
        return self

    def __exit__(self, kind: object, *exception: object) -> None:
        try:
            if kind is None:
                self._flush()
            self._writer.close()
            if kind is None:
                self._temporary_path.replace(self._path)
        finally:
            self._temporary_path.unlink(missing_ok=True)

    @property
    def _temporary_path(self) -> Path:
        return self._path.with_name(f".{self._path.name}.part")

    def add_row(self, row: Sequence[Scalar]) -> None:
        """Adds one row, its values in the order of the columns."""
        self._rows.append(row)
        if len(self._rows) >= ROW_GROUP_SIZE:
            self._flush()

    def _flush(self) -> None:
        if not self._rows:
            return
        arrow: Any = pa
        arrays = [
            arrow_array(kind, [row[place] for row in self._rows]) for place, kind in enumerate(self._columns.values())
        ]
        self._writer.write_table(arrow.Table.from_arrays(arrays, schema=self._schema))
        self._rows = []
