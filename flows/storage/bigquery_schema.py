"""Generates the schema of the table that cells are saved to from the model of its rows, and compares it with a table.

A table made by an older version gets the columns that are new. A column of another type is never changed; it is
reported, with what to do.
"""

from __future__ import annotations

import types
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

_TYPE_NAMES: dict[Any, str] = {
    str: "STRING",
    int: "INTEGER",
    bool: "BOOLEAN",
    float: "FLOAT",
    Decimal: "NUMERIC",
    datetime: "TIMESTAMP",
}
_CANONICAL_TYPES = {"INT64": "INTEGER", "FLOAT64": "FLOAT", "BOOL": "BOOLEAN", "DECIMAL": "NUMERIC", "STRUCT": "RECORD"}


@dataclass(frozen=True)
class TableColumn:
    """A column of a table, as BigQuery calls its parts."""

    name: str
    type: str
    mode: Literal["NULLABLE", "REQUIRED", "REPEATED"] = "NULLABLE"
    description: str = ""

    @property
    def canonical_type(self) -> str:
        """The type under its usual name; two columns with the same one hold the same values."""
        named = _CANONICAL_TYPES.get(self.type, self.type)
        return f"REPEATED {named}" if self.mode == "REPEATED" else named


def columns_of(model: type[BaseModel]) -> list[TableColumn]:
    """The columns for a model's fields, in their order, each described by its docstring.

    Text, numbers, dates and money keep their types; a tuple of those is REPEATED; anything nested is JSON.
    """
    return [
        _column(name, field.annotation, " ".join((field.description or "").split()))
        for name, field in model.model_fields.items()
    ]


def _column(name: str, annotation: Any, description: str) -> TableColumn:
    kind, optional = _unwrap_optional(annotation)
    if get_origin(kind) is tuple and (inner := _TYPE_NAMES.get(_strip_annotated(get_args(kind)[0]))):
        return TableColumn(name, inner, "REPEATED", description)
    found = "STRING" if get_origin(kind) is Literal else _TYPE_NAMES.get(kind, "JSON")
    return TableColumn(name, found, "NULLABLE" if optional else "REQUIRED", description)


def _unwrap_optional(annotation: Any) -> tuple[Any, bool]:
    if get_origin(annotation) in (Union, types.UnionType):
        members = [_strip_annotated(member) for member in get_args(annotation) if member is not type(None)]
        optional = len(members) < len(get_args(annotation))
        return (members[0] if len(members) == 1 else None), optional
    return _strip_annotated(annotation), False


def _strip_annotated(annotation: Any) -> Any:
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


@dataclass(frozen=True)
class SchemaDifference:
    """How an existing table differs from the one that is wanted."""

    missing: Sequence[TableColumn]
    """Columns that it lacks; they can be added, empty in existing rows."""
    conflicts: Sequence[str]
    """What cannot be changed here, a sentence each."""


def schema_difference(wanted: Sequence[TableColumn], existing: Sequence[TableColumn]) -> SchemaDifference:
    """What keeps rows of `wanted` columns out of a table with `existing` ones."""
    known = {column.name.lower(): column for column in existing}
    missing, conflicts = list[TableColumn](), list[str]()
    for column in wanted:
        found = known.pop(column.name.lower(), None)
        if found is None:
            missing.append(column)
        elif found.canonical_type != column.canonical_type:
            conflicts.append(
                f"the column '{column.name}' holds {found.canonical_type}, and cells have {column.canonical_type} there"
            )
    conflicts += [
        f"the column '{column.name}' must have a value, and cells have none"
        for column in known.values()
        if column.mode == "REQUIRED"
    ]
    return SchemaDifference(missing, conflicts)
