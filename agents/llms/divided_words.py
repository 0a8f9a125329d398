"""Words that a line end divides, as in `com-` and `mittee`, or that a soft hyphen may divide."""

from __future__ import annotations

import re

_DIVIDED = re.compile(r"([^\W\d_]+)(?:[-‐⸗=]\s*\n\s*|\u00ad\s*|[¬\ufffe]\s*)(?=[^\W\d_])")
"""The first half of a word, and what divides it; as for quotations, see `agents.evidence.comparable_text`."""
_WHOLE = re.compile(rf"(?:{_DIVIDED.pattern})+[^\W\d_]+")


def joined_text(text: str) -> str:
    """The text with its divided words joined."""
    return _DIVIDED.sub(r"\1", text)


def divided_words(text: str) -> list[str]:
    """The words that are divided in the text, each joined."""
    return [joined_text(found[0]) for found in _WHOLE.finditer(text)]
