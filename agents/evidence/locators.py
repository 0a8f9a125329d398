"""Locators: the pages on which a stretch of a text stands, as readers cite them."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from contract.record import Locator

_PAGE = re.compile(r"((?:PDF )?)p\. (.+)")


def locators_between(locators: Sequence[Locator], start: int, end: int) -> tuple[Locator, ...]:
    """Returns the places of the stretch from `start` to `end`, their offsets counted from `start`."""
    starts = [one.start for one in locators]
    first = max(bisect_right(starts, start) - 1, 0)
    return tuple(
        one.model_copy(update={"start": max(one.start - start, 0)})
        for one in locators[first : bisect_left(starts, end)]
    )


def locator_of(locators: Sequence[Locator], start: int, end: int) -> str | None:
    """Returns the place of the stretch from `start` to `end`, `p. 103` or `pp. 103–104`; None if it is not known."""
    within = [one.name for one in locators_between(locators, start, end)]
    return _joined(within[0], within[-1]) if within else None


def _joined(first: str, last: str) -> str:
    if first == last:
        return first
    one, other = _PAGE.fullmatch(first), _PAGE.fullmatch(last)
    if one and other and one[1] == other[1]:
        return f"{one[1]}pp. {one[2]}–{other[2]}"
    return f"{first} – {last}"
