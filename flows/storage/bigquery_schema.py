"""The schema of the table that cells are saved to, generated from the model of its rows; and how one changes.

A table made from an older version gets the columns that are new. A column of another type is never changed: that is
told, with what to do.
"""

from __future__ import annotations

import types
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

_SCALARS: dict[Any, str] = {
    str: "STRING",
    int: "INTEGER",
    bool: "BOOLEAN",
    float: "FLOAT",
    Decimal: "NUMERIC",
    datetime: "TIMESTAMP",
}
_SAME = {"INT64": "INTEGER", "FLOAT64": "FLOAT", "BOOL": "BOOLEAN", "DECIMAL": "NUMERIC", "STRUCT": "RECORD"}


@dataclass(frozen=True)
class Column:
    """A column of a table, as BigQuery calls its parts."""

    name: str
    type: str
    mode: Literal["NULLABLE", "REQUIRED", "REPEATED"] = "NULLABLE"
    description: str = ""

    @property
    def kind(self) -> str:
        """The type under its usual name; two columns with one kind hold the same values."""
        named = _SAME.get(self.type, self.type)
        return f"REPEATED {named}" if self.mode == "REPEATED" else named


def columns_of(model: type[BaseModel]) -> list[Column]:
    """The columns for a model's fields, in their order, each described by its docstring.

    Text, numbers, dates and money keep their types; a tuple of those is repeated; whatever has parts is JSON.
    """
    return [
        _column(name, field.annotation, " ".join((field.description or "").split()))
        for name, field in model.model_fields.items()
    ]


def _column(name: str, annotation: Any, description: str) -> Column:
    kind, optional = _without_none(annotation)
    if get_origin(kind) is tuple and (inner := _SCALARS.get(_plain(get_args(kind)[0]))):
        return Column(name, inner, "REPEATED", description)
    found = "STRING" if get_origin(kind) is Literal else _SCALARS.get(kind, "JSON")
    return Column(name, found, "NULLABLE" if optional else "REQUIRED", description)


def _without_none(annotation: Any) -> tuple[Any, bool]:
    if get_origin(annotation) in (Union, types.UnionType):
        members = [_plain(member) for member in get_args(annotation) if member is not type(None)]
        optional = len(members) < len(get_args(annotation))
        return (members[0] if len(members) == 1 else None), optional
    return _plain(annotation), False


def _plain(annotation: Any) -> Any:
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


@dataclass(frozen=True)
class Difference:
    """How the table that is there differs from the one that is wanted."""

    new: Sequence[Column]
    """Columns that it lacks; they can be added, empty for the rows that are there."""
    wrong: Sequence[str]
    """What cannot be mended here, a sentence each."""


def difference(wanted: Sequence[Column], there: Sequence[Column]) -> Difference:
    """What is to be done so that rows of `wanted` fit into a table of `there`."""
    known = {column.name.lower(): column for column in there}
    new, wrong = list[Column](), list[str]()
    for column in wanted:
        found = known.pop(column.name.lower(), None)
        if found is None:
            new.append(column)
        elif found.kind != column.kind:
            wrong.append(f"the column '{column.name}' holds {found.kind}, and cells have {column.kind} there")
    wrong += [
        f"the column '{column.name}' must have a value, and cells have none"
        for column in known.values()
        if column.mode == "REQUIRED"
    ]
    return Difference(new, wrong)
