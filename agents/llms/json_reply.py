"""Parses the JSON in a model's reply."""

from __future__ import annotations

import json
import re

from contract.base import JsonValue

_FENCED = re.compile(r"\A\s*```(?:json)?\s*\n(.*)\n\s*```\s*\Z", re.DOTALL)


def parse_json(text: str) -> JsonValue:
    """`text` parsed as JSON, or None if it is not JSON. A Markdown fence around the JSON is ignored.

    A text with NaN or an infinity is not JSON.
    """
    fenced = _FENCED.match(text)
    try:
        return json.loads(fenced[1] if fenced else text, parse_constant=_reject_constant)
    except ValueError:
        return None


def _reject_constant(word: str) -> JsonValue:
    raise ValueError(f"{word} is not JSON")
