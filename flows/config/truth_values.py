"""Finds `yes` where a number belongs: YAML reads it as true, which Python counts as 1.

list(numbers_from_truth({"repeats": True}, Step(...)))      # [(("repeats",), "int_type")]
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, cast

from pydantic import BaseModel

from flows.config.provenance import KeyPath


def numbers_from_truth(data: object, value: object) -> Iterator[tuple[KeyPath, str]]:
    """Where `data` has true or false and the `value` validated from it a number, with Pydantic's name of the mistake.

    No more than that is known of a type: a field that takes both keeps the truth value.
    """
    if isinstance(data, bool):
        if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
            yield (), "int_type" if isinstance(value, int) else "float_type"
    elif isinstance(data, Mapping):
        for key, inner in cast("Mapping[Any, object]", data).items():
            for path, kind in numbers_from_truth(inner, _inner(value, key)):
                yield (str(key), *path), kind
    elif isinstance(data, list | tuple) and isinstance(value, list | tuple):
        pairs = zip(cast("list[object]", data), cast("list[object]", value), strict=False)
        for number, (one, other) in enumerate(pairs):
            for path, kind in numbers_from_truth(one, other):
                yield (str(number), *path), kind


def _inner(value: object, key: object) -> object:
    if isinstance(value, BaseModel):
        return getattr(value, key, None) if isinstance(key, str) and key in type(value).model_fields else None
    return cast("Mapping[Any, object]", value).get(key) if isinstance(value, Mapping) else None
