"""Writes `cells.csv` and `cells.parquet`, one row a cell, the same for the same answers; and `timings.csv`."""

from __future__ import annotations

from collections.abc import Callable

from contract.messages import AgentTrace
from flows.files.atomic import open_atomic
from flows.files.lines import LineFile
from flows.files.run_data import RunData
from flows.tables.cell_row import (
    IDENTITY_COLUMNS,
    INTEGER_COLUMNS,
    OUTCOME_COLUMNS,
    TIMING_COLUMNS,
    TRUTH_COLUMN,
    cell_row,
    order_columns,
    timing_row,
)
from flows.tables.column_types import ColumnType, ColumnTypes
from flows.tables.csv_text import csv_row_writer, escape_formula
from flows.tables.flatten import Scalar
from flows.tables.ground_truth import GroundTruth
from flows.tables.identity import cell_sort_key, step_order
from flows.tables.masks import Mask
from flows.tables.records import RecordTable
from flows.tables.repeated_columns import RepeatedColumns
from flows.tables.row_sorter import RowSorter
from flows.tables.typed_tables import csv_cell, parquet_writer


def _fixed_type(name: str) -> ColumnType:
    if name in INTEGER_COLUMNS:
        return "int64"
    return "float64" if name == "cost_usd" else "string"


FIXED_COLUMN_TYPES: dict[str, ColumnType] = {
    name: _fixed_type(name) for name in (*IDENTITY_COLUMNS, *OUTCOME_COLUMNS, TRUTH_COLUMN)
}


def write_cells(data: RunData, on_trace: Callable[[AgentTrace], None] | None = None) -> None:
    """Writes the tables into the run's folder, each whole or not at all; calls `on_trace` with each cell.

    In a study each row has people's verdict as it is mapped. A field of the output that repeats a column of the row for
    every cell, such as the name of the model, has no column of its own.

    Rows are in the order of records, steps, variants, repeats and rounds, whatever the order of `answers.jsonl`.
    Memory does not grow with what the cells hold. Raises RunError where `answers.jsonl` cannot be read.
    """
    steps, mask = step_order(data.spec), Mask.of_run(data.manifest)
    column_types, repeated = ColumnTypes(FIXED_COLUMN_TYPES), RepeatedColumns()
    ground_truth = GroundTruth.of_run(data.spec, data.spec.measures, data.manifest) if data.spec.measures else None
    with LineFile(data.folder) as lines:
        sorter, records = RowSorter(lines), RecordTable(data, lines)
        for trace in data.traces():
            row = mask.apply(cell_row(trace, ground_truth))
            column_types.add(row)
            repeated.add(row)
            sorter.add(cell_sort_key(trace, steps), row, timing_row(trace))
            records.add(trace)
            if on_trace:
                on_trace(trace)
        columns = order_columns(column_types.columns - repeated.names)
        _write_tables(data, sorter, {name: column_types.type_of(name) for name in columns})
        records.write()


def _write_tables(data: RunData, sorter: RowSorter, columns: dict[str, ColumnType]) -> None:
    folder = data.folder
    with (
        open_atomic(folder / "cells.csv") as cells,
        open_atomic(folder / "timings.csv") as timings,
        parquet_writer(folder / "cells.parquet", columns) as parquet,
    ):
        cell_rows, timing_rows = csv_row_writer(cells, list(columns)), csv_row_writer(timings, TIMING_COLUMNS)
        for row, times in sorter:
            values: list[Scalar] = [row.get(name) for name in columns]
            parquet.add_row(values)
            cell_rows.writerow([csv_cell(kind, value) for kind, value in zip(columns.values(), values, strict=True)])
            timing_rows.writerow([escape_formula(times.get(name)) for name in TIMING_COLUMNS])
