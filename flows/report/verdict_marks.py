"""Chooses how each verdict looks: a colour, and also a letter and a shape, so that no reader depends on colour."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from contract.measures import Measures
from flows.tables.verdict_row import VerdictRow

SHAPE_COUNT = 6
"""Number of shapes in the style sheet; further verdicts reuse the shapes with other letters."""


@dataclass(frozen=True)
class VerdictMark:
    """How one verdict is shown."""

    verdict: str
    letters: str
    shape: int


def verdict_marks(
    rows: Sequence[VerdictRow], measures: Measures | None, declared: Sequence[str] = ()
) -> dict[str, VerdictMark]:
    """Every verdict that was given, that people gave or that a criterion knows, with its mark.

    First those in `measures.order`, then the positive one, then those that a criterion knows, then the others by name.
    """
    verdicts = {
        text for row in rows for text in (row.verdict, row.truth, *row.people.values()) if text is not None
    } | set(declared)
    first = [*(measures.order if measures else ()), measures.positive if measures else None, *declared]
    ordered = [name for name in dict.fromkeys(first) if name in verdicts]
    names = [*ordered, *sorted(verdicts - set(ordered))]
    return {
        name: VerdictMark(name, letters, place % SHAPE_COUNT)
        for place, (name, letters) in enumerate(zip(names, _letters(names), strict=True))
    }


def _letters(names: Sequence[str]) -> Iterable[str]:
    taken = set[str]()
    for name in names:
        letters = next((each for each in _candidates(name) if each not in taken), str(len(taken) + 1))
        taken.add(letters)
        yield letters


def _candidates(name: str) -> Iterable[str]:
    word = "".join(letter for letter in name if letter.isalnum()).upper()
    if word.isdecimal() and len(word) <= 3:
        yield word
    yield from (word[:1], *(word[:1] + other for other in word[1:])) if word else ()
