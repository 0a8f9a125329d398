"""Without the extra `studies`: a run still writes its rows, and a study with measures is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

import flows.check.result
import flows.tables.typed_tables
from contract.errors import StudyError
from flows.compose.compose import compose
from flows.files.run_data import RunData
from flows.tables.cells import write_cells
from tests.support.traces import finished_run


def _absent(_name: str) -> None:
    """No package is found."""


def test_the_csv_is_written_where_parquet_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = finished_run(tmp_path / "run")
    monkeypatch.setattr(flows.tables.typed_tables, "find_spec", _absent)
    write_cells(RunData.open(folder))
    assert (folder / "cells.csv").exists() and not (folder / "cells.parquet").exists()


def test_measures_without_their_packages_are_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flows.check.result, "find_spec", _absent)
    with pytest.raises(StudyError, match=r"tox.yaml:\d+: measures need packages .*uv sync --extra studies"):
        compose(["tox"], [])
