"""Finds columns that hold other people's answers beside the one that is compared: `coder2` beside `coder1`."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

_PERSON = re.compile(r"(?i)coder|rater|annotator|judge|expert|worker|reviewer")
"""Without such a word in the name, a column with the same values may answer another question, as `Q2` beside `Q1`."""
_NUMBER = re.compile(r"\d+|(?<![^\W_])[A-Za-z](?![^\W_])")
_LEAST_VALUES = 2


def other_raters(column: str, values: Mapping[str, Collection[str]]) -> list[str]:
    """The columns that are named as `column` is but for a number or letter, and hold no answer that it does not."""
    if not _PERSON.search(column):
        return []
    known = set(values.get(column, ()))
    return [
        other
        for other, held in values.items()
        if other != column
        and _NUMBER.sub("#", other) == _NUMBER.sub("#", column)
        and len(set(held)) >= _LEAST_VALUES
        and set(held) <= known
    ]
