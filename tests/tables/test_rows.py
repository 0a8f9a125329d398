"""No row is lost or doubled, whatever the cells hold and however they ended; both formats hold the same."""

from __future__ import annotations

# PyArrow and pandas have no types here.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
import csv
import random
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pandas
import pyarrow.parquet as pq
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contract.measures import Measures
from contract.messages import AgentTrace
from flows.files.control_characters import escape_controls
from flows.files.run_data import RunData
from flows.run_folder.derive import derive
from flows.tables.cell_row import cell_row
from flows.tables.csv_text import scalar_text, unescape_formula
from flows.tables.ground_truth import GroundTruth
from flows.tables.verdicts import verdict_rows
from tests.support.traces import spec, write_run
from tests.tables.strategies import traces

DERIVED = ("cells.csv", "cells.parquet", "verdicts.csv", "measures.csv", "confusion.csv")
often = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def tables_of(cells: Sequence[AgentTrace], folder: Path) -> RunData:
    """Writes the tables of a run of these cells, without its report, which takes long and has its own tests."""
    write_run(folder, cells, spec(resamples=5))
    with patch("flows.report.write_report.write_report"):
        derive(folder)
    return RunData.open(folder)


def read_csv(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def read_parquet(path: Path) -> tuple[list[str], list[list[Any]]]:
    table: Any = pq.read_table(path)
    rows: list[dict[str, Any]] = table.to_pylist()
    return table.column_names, [list(row.values()) for row in rows]


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in DERIVED}


@often
@given(traces())
def test_every_cell_is_one_row_in_both_formats(cells: list[AgentTrace]) -> None:
    with tempfile.TemporaryDirectory() as name:
        data = tables_of(cells, Path(name))
        columns, rows = read_parquet(data.folder / "cells.parquet")
        head, *lines = read_csv(data.folder / "cells.csv")
        timings = read_csv(data.folder / "timings.csv")[1:]
        frame: Any = pandas.read_csv(data.folder / "cells.csv", dtype=str, keep_default_na=False)
        truth = GroundTruth.of_run(data.spec, spec().measures or Measures(verdicts="judge"), data.manifest)
        by_id = {trace.cell_id: cell_row(trace, truth) for trace in data.traces()}
    expected = Counter(trace.cell_id for trace in cells)
    place = columns.index("cell_id")
    assert Counter(row[place] for row in rows) == Counter(line[place] for line in lines) == expected
    assert [line[0] for line in timings] == [line[place] for line in lines]
    assert [unescape_formula(name) for name in head] == columns and len(set(columns)) == len(columns)
    assert [[escape_controls(scalar_text(value)) for value in row] for row in rows] == [
        [unescape_formula(cell) for cell in line] for line in lines
    ]
    assert list(frame.columns) == head and frame.to_numpy().tolist() == lines
    for row in rows:
        assert_same(dict(zip(columns, row, strict=True)), by_id[row[place]])


def assert_same(read: dict[str, Any], written: dict[str, Any]) -> None:
    """Checks that the values read from Parquet are exactly those that the cell holds."""
    there = {name: value for name, value in read.items() if value is not None}
    assert there.keys() == written.keys()
    for name, value in written.items():
        assert there[name] == (scalar_text(value) if isinstance(there[name], str) else value)
        assert isinstance(there[name], str) or isinstance(there[name], bool) == isinstance(value, bool)


@often
@given(traces(), st.randoms(use_true_random=False))
def test_the_order_in_which_cells_ended_changes_nothing(cells: list[AgentTrace], chance: random.Random) -> None:
    shuffled = list(cells)
    chance.shuffle(shuffled)
    with tempfile.TemporaryDirectory() as name:
        first = bytes_of(tables_of(cells, Path(name) / "first").folder)
        assert first == bytes_of(tables_of(shuffled, Path(name) / "second").folder)


@often
@given(traces())
def test_every_judge_is_one_row_and_one_place_in_the_wide_table(cells: list[AgentTrace]) -> None:
    with tempfile.TemporaryDirectory() as name:
        data = tables_of(cells, Path(name))
        rows = verdict_rows(data)
        head, *lines = read_csv(data.folder / "verdicts.csv")
    judged = [trace for trace in cells if trace.step == "judge"]
    assert Counter((row.record_id, row.variant_id, row.repeat) for row in rows) == Counter(
        {(trace.record_id, trace.variant_id, trace.repeat) for trace in judged}
    )
    assert {row.cell_id for row in rows} <= {trace.cell_id for trace in judged}
    assert len(set(head)) == len(head)
    assert Counter(unescape_formula(line[0]) for line in lines) == Counter({trace.record_id for trace in cells})
    shown = Counter(unescape_formula(cell) for line in lines for cell in line[2:] if cell)
    assert shown == Counter(escape_controls(row.verdict or in_brackets(row.status)) for row in rows)


def in_brackets(status: str) -> str:
    return f"<{'no verdict' if status == 'completed' else status}>"
