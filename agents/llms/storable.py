"""Makes what a service sent storable: no file can hold half a character, and no JSON writer thousands of levels."""

from __future__ import annotations

from typing import Any, cast

from contract.base import JsonValue

_MAX_DEPTH = 64
"""Levels of arrays and objects. No reply that is asked for is so deep."""


def storable_json(value: Any) -> JsonValue:
    """`value` with storable texts. Raises ValueError if it has more than 64 levels."""
    return _storable(value, 0)


def storable_text(text: str) -> str:
    """`text` with U+FFFD for each half of a UTF-16 pair that lacks its other half."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _storable(value: Any, depth: int) -> JsonValue:
    if depth > _MAX_DEPTH:
        raise ValueError(f"more than {_MAX_DEPTH} levels")
    if isinstance(value, str):
        return storable_text(value)
    if isinstance(value, list):
        return [_storable(item, depth + 1) for item in cast("list[Any]", value)]
    if isinstance(value, dict):
        items = cast("dict[str, Any]", value).items()
        return {storable_text(key): _storable(item, depth + 1) for key, item in items}
    return value
