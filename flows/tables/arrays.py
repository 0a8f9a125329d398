"""Makes the columns of a Parquet file as Arrow arrays, from their buffers.

`pyarrow.array` would do the same, but imports pandas to check whether a list is a pandas series.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[reportMissingTypeStubs]

from flows.tables.column_types import ColumnType, cast_to
from flows.tables.flatten import Scalar

_ARROW: Any = pa


def arrow_type(column: ColumnType) -> Any:
    """The Arrow type of a column."""
    return _ARROW.bool_() if column == "bool" else getattr(_ARROW, column)()


def arrow_array(column: ColumnType, values: Sequence[Scalar]) -> Any:
    """These values as an Arrow array of the column's type, None as null.

    Raises OverflowError for an integer beyond 64 bits, and for texts of more than 2 GB together.
    """
    cast_values = [cast_to(column, value) for value in values]
    validity = None if None not in cast_values else _bitmap(value is not None for value in cast_values)
    return _ARROW.Array.from_buffers(arrow_type(column), len(cast_values), [validity, *_buffers(column, cast_values)])


def _buffers(column: ColumnType, cast_values: Sequence[Scalar]) -> list[Any]:
    if column == "string":
        texts = [str(value).encode() if value is not None else b"" for value in cast_values]
        ends = np.array([0, *accumulate(map(len, texts))], dtype=np.int32)
        return [_ARROW.py_buffer(ends), _ARROW.py_buffer(b"".join(texts))]
    if column == "bool":
        return [_bitmap(bool(value) for value in cast_values)]
    return [_ARROW.py_buffer(np.array([0 if value is None else value for value in cast_values], dtype=column))]


def _bitmap(flags: Iterable[bool]) -> Any:
    return _ARROW.py_buffer(np.packbits(np.fromiter(flags, dtype=np.bool_), bitorder="little"))
