"""Nested JSON as the cells of a table: objects become dotted columns, lists become JSON text."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TypeAlias, cast

from contract.base import JsonValue, thawed

Scalar: TypeAlias = str | int | float | bool | None
"""What one cell of a table holds; None is nothing."""

_AS_JSON = json.JSONEncoder(ensure_ascii=False).encode


def flatten(name: str, value: object) -> Iterator[tuple[str, Scalar]]:
    """Column names with what they hold, for one JSON value (frozen maps and tuples included).

    `{"a": {"b": 1}}` under the name `value` is `value.a.b`. A key that is empty or holds a dot or a quotation mark is
    written as a JSON string, `value."a.b"`, so that no two places share a column. Lists and empty objects are JSON
    text; nothing is left out but nulls.
    """
    if value is None:
        return
    if isinstance(value, str | int | float):
        # Asked first, since most values are one of these, and whether something is a Mapping is costly to find out.
        yield name, value
    elif isinstance(value, Mapping) and value:
        for key, item in cast("Mapping[str, JsonValue]", value).items():
            yield from flatten(f"{name}.{column_key(key)}", item)
    else:
        yield name, _AS_JSON(thawed(value))


def column_key(key: str) -> str:
    """One key within a column's name."""
    return json.dumps(key, ensure_ascii=False) if not key or "." in key or '"' in key else key
