"""An extract: a text without some of its parts, which still knows where each of its characters stands in the whole."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

Cut: TypeAlias = tuple[int, int, str]
"""What is left out, by its offsets, and what stands in its place."""
Extract: TypeAlias = tuple[str, list[int]]
"""The text, and the offset in the whole of each of its characters and of its end."""


def without_cuts(text: str, cuts: Iterable[Cut]) -> Extract | None:
    """Returns `text` without these parts, which come in order; None if there are none.

    Whoever shows a quotation from it shows the whole text between its offsets, so that nothing is hidden.
    """
    pieces, offsets, done = list[str](), list[int](), 0
    for start, end, instead in cuts:
        pieces += (text[done:start], instead)
        offsets += (*range(done, start), *[start] * len(instead))
        done = end
    if not done:
        return None
    return "".join((*pieces, text[done:])), [*offsets, *range(done, len(text) + 1)]
