"""Columns of Parquet: the exact values, written without pandas."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[reportMissingTypeStubs]
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.tables.arrays import arrow_array, arrow_type
from flows.tables.column_types import ColumnType, cast_to
from flows.tables.flatten import Scalar
from tests.support.traces import cell, record, spec, write_run

_DERIVE = """
import sys
from pathlib import Path
from flows.run_folder.derive import derive
derive(Path(sys.argv[1]))
sys.exit("pandas" in sys.modules)
"""
_INTEGERS = st.integers(-(2**63), 2**63 - 1)
_VALUES: dict[ColumnType, st.SearchStrategy[Any]] = {
    "bool": st.booleans(),
    "int64": _INTEGERS,
    "float64": st.floats() | st.sampled_from((-0.0, 5e-324)) | st.integers(-(2**53), 2**53),
    "string": st.text() | st.booleans() | st.integers() | st.floats(),
}


@settings(deadline=None)
@given(st.data())
def test_an_array_holds_what_pyarrow_would_hold(data: st.DataObject) -> None:
    column = data.draw(st.sampled_from(tuple(_VALUES)))
    values: list[Scalar] = data.draw(st.lists(st.none() | _VALUES[column], max_size=20))
    arrow: Any = pa
    made, theirs = (
        arrow_array(column, values),
        arrow.array([cast_to(column, one) for one in values], arrow_type(column)),
    )
    made.validate(full=True)
    assert (made.type, made.null_count) == (theirs.type, theirs.null_count)
    # As text, so that -0.0 is not 0.0, and NaN is itself.
    assert repr(made.to_pylist()) == repr(theirs.to_pylist())


def test_values_that_do_not_fit_are_an_error() -> None:
    with pytest.raises(OverflowError):
        arrow_array("int64", [2**63])
    with pytest.raises(UnicodeEncodeError):
        arrow_array("string", ["\ud800"])


def test_the_tables_of_a_run_are_written_without_pandas(tmp_path: Path) -> None:
    unmeasured = spec().model_copy(update={"measures": None})
    folder = write_run(tmp_path, [cell(record(1), {"model": "alpha"})], unmeasured)
    done = subprocess.run([sys.executable, "-c", _DERIVE, str(folder)], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert (folder / "cells.parquet").exists()
