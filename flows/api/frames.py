"""Data frames of a finished run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.files.run_data import RunData
from flows.tables.verdict_row import VerdictRow
from flows.tables.verdicts import verdict_rows

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS = ("record_id", "criteria", "model", "repeat", "round", "status", "verdict", "uncertainty", "truth", "quality")


def verdicts_frame(folder: Path) -> pd.DataFrame:
    """One row for each record, criterion, model and repeat of the run, and a column for each field of its `by`."""
    import pandas as pd

    rows = verdict_rows(RunData.open(folder))
    groups = dict.fromkeys(name for row in rows for name in row.groups)
    return pd.DataFrame([_row(one) for one in rows], columns=[*_COLUMNS, *(f"by.{name}" for name in groups)])


def _row(row: VerdictRow) -> dict[str, Any]:
    groups = {f"by.{name}": value for name, value in row.groups.items()}
    return {name: getattr(row, name) for name in _COLUMNS} | groups
