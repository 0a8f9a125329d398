"""Finds the type of each column: the narrowest one that holds every value without loss."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import Literal, TypeAlias

from flows.tables.csv_text import scalar_text
from flows.tables.flatten import Scalar

ValueKind: TypeAlias = Literal["bool", "int", "wide int", "float", "text"]
ColumnType: TypeAlias = Literal["bool", "int64", "float64", "string"]
_INT64 = 2**63
_MAX_EXACT_INTEGER = 2**53


def value_kind(value: str | int | float | bool) -> ValueKind:
    """The kind of one value; a wide int is one that a float would round."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int" if abs(value) <= _MAX_EXACT_INTEGER else "wide int" if -_INT64 <= value < _INT64 else "text"
    return "float" if isinstance(value, float) else "text"


class ColumnTypes:
    """Collects the kinds of values in each column, and gives its type."""

    def __init__(self, fixed: Mapping[str, ColumnType]) -> None:
        self._fixed = fixed
        self._seen = dict[str, set[ValueKind]]()

    @property
    def columns(self) -> set[str]:
        """Every column that holds a value."""
        return set(self._seen)

    def add(self, row: Mapping[str, Scalar]) -> None:
        """Adds the values of a row."""
        for name, value in row.items():
            if value is not None:
                self._seen.setdefault(name, set()).add(value_kind(value))

    def type_of(self, name: str) -> ColumnType:
        """The column's type; a mixed column is text, and so is one without values.

        A fixed column of integers is one of floats where a number in it is too large for 64 bits.
        """
        seen = self._seen.get(name, {"text"})
        if name in self._fixed:
            return "float64" if self._fixed[name] == "int64" and "text" in seen else self._fixed[name]
        if seen == {"bool"}:
            return "bool"
        if seen <= {"int", "wide int"}:
            return "int64"
        return "float64" if seen <= {"int", "float"} else "string"


def cast_to(column: ColumnType, value: Scalar) -> Scalar:
    """The value, cast to the type of its column."""
    if value is None:
        return None
    if column == "string":
        return scalar_text(value)
    return _as_float(value) if column == "float64" else value


def _as_float(value: str | float) -> float:
    try:
        return float(value)
    except OverflowError:
        return inf if value > 0 else -inf  # type: ignore[reportOperatorIssue] - a text raises ValueError
