"""Page breaks: the page numbers and running heads that part a sentence from its continuation on the next page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import regex

from agents.evidence.extract import Cut, Extract, without_cuts

_ROMAN = r"(?=[ivxlcdm])m{0,3}(?:c[md]|d?c{0,3})(?:x[cl]|l?x{0,3})(?:i[xv]|v?i{0,3})"
_PAGE_NUMBER = regex.compile(
    rf"\W*(?:(?:\p{{L}}{{1,6}}\.?\s*)?\d{{1,4}}|(?:\p{{L}}{{1,6}}(?:\.|\s)\s*)?{_ROMAN}\b)"
    r"(?:\s*(?:/|\p{L}{1,3})\s*\d{1,4})?\W*",
    regex.I,
)
_SENTENCE_END = regex.compile(r"[.!?:;。！？؟।]\W*$")
MAX_HEAD_CHARACTERS = 100


@dataclass(frozen=True)
class _Line:
    start: int
    end: int
    text: str

    @property
    def shape(self) -> str:
        """The line without its digits, by which the heads of several pages are the same."""
        return regex.sub(r"\d+", "#", " ".join(self.text.split())).casefold()


def without_page_breaks(text: str, *, heads_seen_once: bool) -> Extract | None:
    """Returns `text` without what stands between its pages; None when there is nothing to leave out.

    What stands between pages holds an empty line or a form feed, and beside it page numbers and lines that come again.
    With `heads_seen_once`, also one short line next to a page number that is the end of no sentence.
    """
    return without_cuts(text, _cuts(text, _lines(text), heads_seen_once=heads_seen_once))


def _lines(text: str) -> list[_Line]:
    return [
        _Line(found.start(), found.end(), found[0]) for found in regex.finditer(r"[^\n\f]+", text) if found[0].strip()
    ]


def _cuts(text: str, body: Sequence[_Line], *, heads_seen_once: bool) -> Iterator[Cut]:
    shapes = Counter(line.shape for line in body)
    at = 1
    while at < len(body) - 1:
        end = at
        while end < len(body) - 1 and (_is_number(body[end]) or _comes_again(body[end], shapes)):
            end += 1
        block = body[at:end]
        numbered = any(map(_is_number, block))
        if heads_seen_once and numbered and end < len(body) - 1 and _may_be_head(body[end]):
            end += 1
        if end > at and (numbered or len(block) == end - at) and _is_page_break(body[at - 1 : end + 1], text):
            yield body[at - 1].end, body[end].start, "\n"
        at = max(end, at + 1)


def _is_number(line: _Line) -> bool:
    return bool(_PAGE_NUMBER.fullmatch(line.text.strip()))


def _comes_again(line: _Line, shapes: Counter[str]) -> bool:
    return len(line.text) <= MAX_HEAD_CHARACTERS and shapes[line.shape] > 1


def _may_be_head(line: _Line) -> bool:
    """A short line that ends no sentence, and goes on with none: a head begins with no small letter."""
    text = line.text.strip()
    return len(text) <= MAX_HEAD_CHARACTERS and not (text[0].islower() or _SENTENCE_END.search(text))


def _is_page_break(body: Sequence[_Line], text: str) -> bool:
    """Returns whether an empty line or a form feed stands between two of the lines."""
    gaps = [text[before.end : after.start] for before, after in pairwise(body)]
    return any("\f" in gap or gap.count("\n") > 1 for gap in gaps)
