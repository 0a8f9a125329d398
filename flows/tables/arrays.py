"""Arrays: the columns of a Parquet file, made from their buffers.

`pyarrow.array` would do the same, but imports pandas to ask whether a list of ours is one of its series.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[reportMissingTypeStubs]

from flows.tables.flat import Scalar
from flows.tables.kinds import Column, cast_to

_ARROW: Any = pa


def type_of(column: Column) -> Any:
    """The Arrow type of a column."""
    return _ARROW.bool_() if column == "bool" else getattr(_ARROW, column)()


def array_of(column: Column, values: Sequence[Scalar]) -> Any:
    """These values as an Arrow array of the column's type, None as null.

    Raises OverflowError for an integer that has no place in 64 bits, and for texts of more than 2 GB together.
    """
    cast_values = [cast_to(column, value) for value in values]
    validity = None if None not in cast_values else _bits(value is not None for value in cast_values)
    return _ARROW.Array.from_buffers(type_of(column), len(cast_values), [validity, *_buffers(column, cast_values)])


def _buffers(column: Column, held: Sequence[Scalar]) -> list[Any]:
    if column == "string":
        texts = [str(value).encode() if value is not None else b"" for value in held]
        ends = np.array([0, *accumulate(map(len, texts))], dtype=np.int32)
        return [_ARROW.py_buffer(ends), _ARROW.py_buffer(b"".join(texts))]
    if column == "bool":
        return [_bits(bool(value) for value in held)]
    return [_ARROW.py_buffer(np.array([0 if value is None else value for value in held], dtype=column))]


def _bits(flags: Iterable[bool]) -> Any:
    return _ARROW.py_buffer(np.packbits(np.fromiter(flags, dtype=np.bool_), bitorder="little"))
