"""Reads the ground truth of a record, what people judged, as a verdict."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import cast

from contract.base import JsonValue, thawed
from contract.flow import Measures
from contract.record import Record


def truth_verdict(record: Record, measures: Measures) -> str | None:
    """The record's ground truth as a verdict; None where it is absent, null, NaN or blank.

    Values are read as text, booleans in lower case, 1.0 also as 1; `measures.labels` maps them to verdicts.
    """
    if measures.truth is None:
        return None
    for value in _text_readings(value_at_path(record.ground_truth, measures.truth)):
        if value in measures.labels:
            return measures.labels[value]
    return next(iter(_text_readings(value_at_path(record.ground_truth, measures.truth))), None)


def value_at_path(values: Mapping[str, JsonValue] | None, path: str) -> JsonValue:
    """The value at a dotted path, also where a key itself holds dots; None where there is none."""
    if values is None or path in values:
        return (values or {}).get(path)
    for index, letter in enumerate(path):
        inner = values.get(path[:index]) if letter == "." else None
        if isinstance(inner, Mapping):
            found = value_at_path(cast("Mapping[str, JsonValue]", inner), path[index + 1 :])
            if found is not None:
                return found
    return None


def _text_readings(value: JsonValue) -> tuple[str, ...]:
    """The readings of a value as text, the best first; none for null, NaN or blank."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ()
    if isinstance(value, bool):
        return (str(value).lower(),)
    if isinstance(value, float) and value.is_integer():
        return (str(int(value)), str(value))
    text = value if isinstance(value, str | int | float) else json.dumps(thawed(value), ensure_ascii=False)
    text = str(text).strip()
    return (text,) if text else ()


def verdict_text(value: JsonValue) -> str | None:
    """A verdict as text, read in the same way as ground truth; None where there is none."""
    return next(iter(_text_readings(value)), None)
