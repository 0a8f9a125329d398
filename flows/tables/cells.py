"""`cells.csv` and `cells.parquet`, one tidy row a cell, the same for the same answers; and `timings.csv`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from contract.messages import AgentTrace
from flows.files.atomic import open_atomic
from flows.files.lines import LineFile
from flows.files.run_data import RunData
from flows.tables.csv_text import harmless, rows_to
from flows.tables.flat import Scalar
from flows.tables.identity import place_of, step_order
from flows.tables.kinds import Column, Kinds, cast_to
from flows.tables.row import ENDED, IDENTITY, INTEGERS, TIMES, ordered, row_of, times_of
from flows.tables.spool import Spool

if TYPE_CHECKING:
    from flows.tables.parquet import ParquetRows


def _fixed_type(name: str) -> Column:
    if name in INTEGERS:
        return "int64"
    return "float64" if name == "cost_usd" else "string"


FIXED: dict[str, Column] = {name: _fixed_type(name) for name in (*IDENTITY, *ENDED)}


def write_cells(data: RunData, look_on: Callable[[AgentTrace], None] | None = None) -> None:
    """Writes the three tables into the run's folder, each whole or not at all; `look_on` is shown each cell.

    Rows are in the order of records, steps, variants, repeats and rounds, whatever the order of `answers.jsonl`.
    Memory does not grow with what the cells hold. Raises RunError where `answers.jsonl` cannot be read.
    """
    steps = step_order(data.spec)
    column_types = Kinds(FIXED)
    with LineFile(data.folder) as lines:
        spool = Spool(lines)
        for trace in data.traces():
            row = row_of(trace)
            column_types.add(row)
            spool.add(place_of(trace, steps), row, times_of(trace))
            if look_on:
                look_on(trace)
        _write(data, spool, {name: column_types.column(name) for name in ordered(column_types.columns)})


def _write(data: RunData, spool: Spool, columns: dict[str, Column]) -> None:
    folder = data.folder
    with (
        open_atomic(folder / "cells.csv") as cells,
        open_atomic(folder / "timings.csv") as timings,
        _parquet(folder / "cells.parquet", columns) as parquet,
    ):
        cell_rows, timing_rows = rows_to(cells, list(columns)), rows_to(timings, TIMES)
        for row, times in spool:
            values: list[Scalar] = [row.get(name) for name in columns]
            if parquet:
                parquet.add(values)
            cell_rows.writerow([_cell(kind, value) for kind, value in zip(columns.values(), values, strict=True)])
            timing_rows.writerow([harmless(times.get(name)) for name in TIMES])


def _parquet(path: Path, columns: Mapping[str, Column]) -> AbstractContextManager[ParquetRows | None]:
    """The Parquet table; none in an install without the extra `studies`, where the CSV is all there is."""
    if find_spec("pyarrow") is None:
        return nullcontext()
    from flows.tables.parquet import ParquetRows

    return ParquetRows(path, columns)


def _cell(column: Column, value: Scalar) -> str:
    return harmless(value if isinstance(value, str) else cast_to(column, value))
