"""The conditions of a query to BigQuery: what `where` says of each column, with every value as a query parameter.

where:
  lang: [en, fr]                          # one of these
  day: {from: "2026-03-01", to: "2026-03-31"}   # both included; `before` leaves its value out
  removed: null                           # no value
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from contract.errors import StorageError
from contract.storage import BigQueryStorage
from contract.where import WhereScalar

_PARAMETER_TYPES: Mapping[str, str] = {
    "STRING": "STRING", "INTEGER": "INT64", "INT64": "INT64", "FLOAT": "FLOAT64", "FLOAT64": "FLOAT64",
    "BOOLEAN": "BOOL", "BOOL": "BOOL", "NUMERIC": "NUMERIC", "BIGNUMERIC": "BIGNUMERIC", "DATE": "DATE",
    "DATETIME": "DATETIME", "TIME": "TIME", "TIMESTAMP": "TIMESTAMP",
}  # fmt: skip
"""Types of columns that `where` can name -> type of the parameter."""
_BOUNDS: Mapping[str, str] = {"from": ">=", "to": "<=", "before": "<"}

Parameter = tuple[str, str, Any]
"""Name, type and value of a query parameter; the value of an array is a list."""


@dataclass
class Where:
    """The conditions of a query, and their parameters."""

    conditions: list[str] = field(default_factory=list[str])
    parameters: list[Parameter] = field(default_factory=list[Parameter])


def where_of(storage: BigQueryStorage, kinds: Mapping[str, str], quote: Mapping[str, str]) -> Where:
    """What `where` says, for a table whose columns have those types and quoted names.

    Raises StorageError for a value that does not fit its column.
    """
    where = Where()
    for number, (column, wanted) in enumerate(storage.where.items()):
        parameters = _ColumnValues(storage, column, kinds[column], f"where_{number}")
        where.conditions += _conditions(quote[column], wanted, parameters)
        where.parameters += parameters.made
    return where


@dataclass
class _ColumnValues:
    """Makes the parameters for one column."""

    storage: BigQueryStorage
    column: str
    column_type: str
    name: str
    made: list[Parameter] = field(default_factory=list[Parameter])

    def add(self, value: Any, suffix: str = "") -> str:
        """Adds a parameter of the column's type; returns how the SQL names it."""
        kind = self._kind()
        values = [self._value(kind, one) for one in value] if isinstance(value, list) else self._value(kind, value)  # type: ignore[reportUnknownVariableType]
        self.made.append((f"{self.name}{suffix}", kind, values))
        return f"@{self.name}{suffix}"

    def _kind(self) -> str:
        if kind := _PARAMETER_TYPES.get(self.column_type):
            return kind
        raise StorageError(
            f"`where`: the column '{self.column}' of {self.storage.project}.{self.storage.dataset}."
            f"{self.storage.table} is {self.column_type}, which cannot be compared with a value"
        )

    def _value(self, kind: str, value: Any) -> Any:
        try:
            return _parameter_value(kind, value)
        except (ValueError, TypeError):
            name = f"{self.storage.project}.{self.storage.dataset}.{self.storage.table}"
            raise StorageError(f"`where`: {value!r} is not {kind}, the type of '{self.column}' of {name}") from None


def _conditions(column: str, wanted: Any, values: _ColumnValues) -> Iterator[str]:
    if wanted is None:
        yield f"{column} IS NULL"
    elif isinstance(wanted, Mapping):
        bounds = cast("Mapping[str, Any]", wanted)
        yield from (f"{column} {_BOUNDS[bound]} {values.add(value, f'_{bound}')}" for bound, value in bounds.items())
    elif isinstance(wanted, list | tuple):
        named = [value for value in cast("list[Any]", wanted) if value is not None]
        one_of = [f"{column} IN UNNEST({values.add(named)})"] if named else []
        null = [f"{column} IS NULL"] if None in wanted else []
        yield f"({' OR '.join([*one_of, *null])})" if null and one_of else (one_of or null)[0]
    else:
        yield f"{column} = {values.add(wanted)}"


def _parameter_value(kind: str, value: WhereScalar) -> Any:
    if kind == "BOOL":
        if isinstance(value, bool):
            return value
        raise ValueError
    if kind in ("INT64", "FLOAT64"):
        return int(value) if kind == "INT64" else float(value)
    return str(value).lower() if isinstance(value, bool) else str(value)
