"""Writes `records.csv` and `records.parquet`: one row a record, with the columns that a run asks for.

Joined by `record_id`, they add the records' own words to the other tables.
"""

from __future__ import annotations

from collections.abc import Sequence

from contract.messages import AgentTrace
from contract.record import Record
from flows.files.atomic import open_atomic
from flows.files.lines import LineFile
from flows.files.run_data import RunData
from flows.tables.column_types import ColumnType, ColumnTypes
from flows.tables.csv_text import csv_row_writer
from flows.tables.flatten import Scalar, flatten
from flows.tables.ground_truth import value_at_path
from flows.tables.identity import natural_key
from flows.tables.masks import Mask
from flows.tables.row_sorter import RowSorter
from flows.tables.typed_tables import csv_cell, parquet_writer


class RecordTable:
    """Takes cells one by one; keeps the row of each record on disk."""

    def __init__(self, data: RunData, lines: LineFile) -> None:
        self._folder = data.folder
        self._asked: Sequence[str] = tuple(map(str, data.manifest.get("record_columns") or ()))
        self._mask = Mask.of_run(data.manifest)
        self._rows = RowSorter(lines)
        self._types = ColumnTypes({"record_id": "string"})
        self._seen = set[str]()

    def add(self, trace: AgentTrace) -> None:
        """Adds the record of a cell."""
        if not self._asked or trace.record_id in self._seen:
            return
        self._seen.add(trace.record_id)
        row = self._mask.apply(record_row(trace.input.record, self._asked))
        self._types.add(row)
        self._rows.add((natural_key(trace.record_id),), row)

    def write(self) -> None:
        """Writes both files, each whole or not at all; nothing where no column was asked for."""
        if not self._asked:
            return
        columns: dict[str, ColumnType] = {name: self._types.type_of(name) for name in self._columns()}
        with (
            open_atomic(self._folder / "records.csv") as file,
            parquet_writer(self._folder / "records.parquet", columns) as parquet,
        ):
            rows = csv_row_writer(file, list(columns))
            for (row,) in self._rows:
                values: list[Scalar] = [row.get(name) for name in columns]
                parquet.add_row(values)
                rows.writerow([csv_cell(kind, value) for kind, value in zip(columns.values(), values, strict=True)])

    def _columns(self) -> list[str]:
        """The columns in the order in which they were asked for, the parts of one sorted by name."""
        found = self._types.columns
        names = ["record_id"]
        for asked in self._asked:
            parts = sorted(name for name in found if name == asked or name.startswith(f"{asked}."))
            names += [name for name in parts or [asked] if name not in names]
        return names


def record_row(record: Record, asked: Sequence[str]) -> dict[str, Scalar]:
    """A record as column -> value; what it lacks is left out."""
    row: dict[str, Scalar] = {"record_id": record.record_id}
    for name in asked:
        place, _, part = name.partition(".")
        value = getattr(record, place)
        row.update(flatten(name, value_at_path(value, part) if part else value or None))
    return row
