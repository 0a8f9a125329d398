"""Mask: hides the columns of a table that a storage's `masked` names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flows.tables.flatten import Scalar

MASKED = "<masked>"


class Mask:
    """Fields of records that tables do not show. A field is hidden with all its parts."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = tuple(map(_plain, names))

    @classmethod
    def of_run(cls, manifest: Mapping[str, Any]) -> Mask:
        """As a finished run's manifest describes it."""
        return cls(map(str, manifest.get("masked") or ()))

    def covers(self, column: str) -> bool:
        """Whether the column, named as `flatten` names it, is hidden."""
        plain = _plain(column)
        return any(plain == name or plain.startswith(f"{name}.") for name in self._names)

    def apply(self, row: Mapping[str, Scalar]) -> dict[str, Scalar]:
        """The row with each hidden value as `<masked>`; a value that is not there stays so."""
        if not self._names:
            return dict(row)
        return {name: MASKED if value is not None and self.covers(name) else value for name, value in row.items()}


def _plain(name: str) -> str:
    """A column without the quotation marks around keys with dots, so that no spelling escapes the mask."""
    return name.replace('"', "").replace("\\", "")
