"""Everything that is derived from a run's folder by computing: its tables and its measures."""

from __future__ import annotations

from pathlib import Path

from flows.measures.measure import measure
from flows.measures.shapes import Measured
from flows.measures.write import write_measures
from flows.run_data import RunData
from flows.tables.cells import write_cells
from flows.tables.verdicts import read_verdicts, write_verdicts


def derive(folder: Path) -> Measured | None:
    """Writes the tables of the run in that folder, and where it is a study with `measures`, those too; else None.

    From the same `answers.jsonl`, in whatever order, come the same bytes, `timings.csv` aside. Raises RunError where
    the folder holds no finished run.
    """
    data = RunData.open(folder)
    write_cells(data)
    if data.spec.measures is None:
        return None
    verdicts = read_verdicts(data)
    write_verdicts(folder, verdicts.rows, verdicts.truths)
    measured = measure(verdicts.rows, data.spec.measures)
    write_measures(folder, measured)
    return measured
