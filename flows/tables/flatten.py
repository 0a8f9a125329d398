"""Flattens nested JSON into the cells of a table: objects become dotted columns, lists become JSON text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import TypeAlias, cast

from contract.base import JsonValue, thawed

Scalar: TypeAlias = str | int | float | bool | None
"""The value of one cell of a table; None for an empty cell."""

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_AS_JSON = json.JSONEncoder(ensure_ascii=False).encode


def flatten(name: str, value: object) -> Iterator[tuple[str, Scalar]]:
    """Column names and their values, for one JSON value (frozen maps and tuples included).

    `{"a": {"b": 1}}` under the name `value` is `value.a.b`. A key that is empty or holds a dot, a quotation mark or a
    control character is written as a JSON string, `value."a.b"`, so that no two places share a column. Lists and empty
    objects are JSON text; only nulls are left out.
    """
    if value is None:
        return
    if isinstance(value, str | int | float):
        # Checked first: most values are one of these, and the check for a Mapping is slow.
        yield name, value
    elif isinstance(value, Mapping) and value:
        for key, item in cast("Mapping[str, JsonValue]", value).items():
            yield from flatten(f"{name}.{column_key(key)}", item)
    else:
        yield name, _AS_JSON(thawed(value))


def column_key(key: str) -> str:
    """One key within a column's name."""
    has_controls = bool(_CONTROLS.search(key))
    return json.dumps(key, ensure_ascii=has_controls) if not key or has_controls or "." in key or '"' in key else key
