"""Converts the values of a typed source's cells to JSON; nothing is rounded or guessed.

NaN, an infinity and a formula's error are missing values. As a label or as metadata they become null; as the text or
the id they make the row a reject.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from importlib import import_module
from typing import Any, cast

from contract.errors import StorageError

_MISSING_LABELS = frozenset({"", "nan", "NaN", "NA"})
"""How tables without types, such as those of pandas, write a missing label."""


@dataclass(frozen=True)
class MissingValue:
    """What a cell holds in place of a value, in words: `the formula error #N/A`."""

    description: str


def import_optional(name: str, extra: str, purpose: str) -> Any:
    """Imports the library of that name. Raises StorageError with the extra to install when it is missing."""
    try:
        return import_module(name)
    except ImportError as error:
        raise StorageError(f"{purpose} needs the library {name}: install buttermilk[{extra}] ({error})") from error


def missing_value_reason(value: Any) -> str | None:
    """Why `value` counts as missing, in words; None when it does not."""
    if isinstance(value, MissingValue):
        return value.description
    if isinstance(value, float) and not math.isfinite(value):
        return f"{value}, which is not a number" if math.isnan(value) else f"{value}, which is infinite"
    return None


def without_nan(value: Any) -> Any:
    """`value` with null for every missing value in it, however deep."""
    if value is None or isinstance(value, str | int):
        return value
    if missing_value_reason(value):
        return None
    if isinstance(value, Mapping):
        return {key: without_nan(item) for key, item in cast("Mapping[str, Any]", value).items()}
    if isinstance(value, list | tuple):
        return [without_nan(item) for item in cast("Sequence[Any]", value)]
    return value


def label_or_none(value: Any) -> Any:
    """A label from a table whose cells have no types; None for empty, `nan`, `NaN` and `NA`, which mean missing."""
    return None if isinstance(value, str) and value.strip() in _MISSING_LABELS else value


def to_json_value(value: Any) -> Any:
    """A Python value as JSON: dates and times as ISO text, decimals exact, bytes in base64."""
    if value is None or isinstance(value, str | bool | int | float | MissingValue):
        return value
    if isinstance(value, Mapping):
        return {str(key): to_json_value(item) for key, item in cast("Mapping[Any, Any]", value).items()}
    if isinstance(value, list | tuple):
        return [to_json_value(item) for item in cast("Sequence[Any]", value)]
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return _decimal_to_json(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return str(value)


def _decimal_to_json(value: Decimal) -> int | float | str | MissingValue:
    if not value.is_finite():
        return MissingValue(f"{value}, which is not a number")
    if value == value.to_integral_value():
        return int(value)
    near = float(value)
    return near if Decimal(repr(near)) == value else str(value)


MAX_DEPTH = 100
"""Levels of nested objects and lists; later code goes through them recursively."""


def is_too_deep(value: Any) -> bool:
    """Whether objects and lists are nested more than `MAX_DEPTH` deep."""
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [inner for one in level for inner in _children(one)]
        if not level:
            return False
    return True


def _children(value: Any) -> Iterable[Any]:
    if isinstance(value, Mapping):
        return cast("Mapping[str, Any]", value).values()
    return cast("Iterable[Any]", value) if isinstance(value, list | tuple) else ()
