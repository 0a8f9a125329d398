"""Reads and changes nested plain data by the path of keys to a value."""

from __future__ import annotations

from typing import Any, TypeAlias, cast

from contract.base import JsonValue
from flows.config.provenance import KeyPath

Data: TypeAlias = dict[str, Any]
_ABSENT = object()


def value_at(data: Any, loc: KeyPath) -> Any:
    """The value at that place; None where there is none."""
    at = data
    for word in loc:
        at = cast("list[Any]", at)[int(word)] if isinstance(at, list) else cast("Data", at).get(word)
        if at is None:
            return None
    return at


def is_value_at(data: Any, loc: KeyPath) -> bool:
    """Whether there is a value at that place, be it null."""
    at = data
    for word in loc:
        if isinstance(at, list | tuple):
            items = cast("list[Any]", at)
            at = items[int(word)] if int(word) < len(items) else _ABSENT
        else:
            at = cast("Data", at).get(word, _ABSENT) if isinstance(at, dict) else _ABSENT
    return at is not _ABSENT


def put_value(data: Any, loc: KeyPath, value: JsonValue) -> bool:
    """Puts a value at that place, below what is there already."""
    value_at(data, loc[:-1])[loc[-1]] = value
    return True


def names_within(node: Any) -> list[str]:
    """The names of all steps of a loop, and of the loops within it."""
    inner = cast("Data", node).get("loop") if isinstance(node, dict) else None
    if not isinstance(inner, dict):
        return []
    held = cast("Data", inner)
    return [*held, *(name for below in held.values() for name in names_within(below))]


def delete_at(data: Any, loc: KeyPath) -> bool:
    """Takes away what is at that place. Returns whether there was anything."""
    at = value_at(data, loc[:-1])
    if isinstance(at, list):
        items = cast("list[Any]", at)
        if int(loc[-1]) < len(items):
            del items[int(loc[-1])]
            return True
        return False
    return isinstance(at, dict) and cast("Data", at).pop(loc[-1], _ABSENT) is not _ABSENT
