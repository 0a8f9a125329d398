"""Finds the columns of a table that say nothing but what a column before them says.

An output often names what it was made with: a judgement its model and its criterion. Where it does so in every row, the
column `value.model` repeats the column `model`, and the table needs one of them.
"""

from __future__ import annotations

from collections.abc import Mapping

from flows.tables.flatten import Scalar

_VALUE_PREFIX = "value."


class RepeatedColumns:
    """Collects rows, and tells which fields of the output repeat the column of their name."""

    def __init__(self) -> None:
        self._same = set[str]()
        self._different = set[str]()

    @property
    def names(self) -> frozenset[str]:
        """The columns `value.<name>` that hold what the column `<name>` holds in every row that has them."""
        return frozenset(self._same - self._different)

    def add(self, row: Mapping[str, Scalar]) -> None:
        """Adds the values of a row."""
        for name, value in row.items():
            other = name.removeprefix(_VALUE_PREFIX)
            if other != name and name not in self._different:
                is_same = other in row and type(row[other]) is type(value) and row[other] == value
                (self._same if is_same else self._different).add(name)
