"""Joins the pages of a document to one text, in which a sentence goes on over a page break.

Running heads and page numbers stand between the two halves of such a sentence. They are known by their repetition: the
same line, but for its numbers, first or last on most pages.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

_MIN_PAGES = 3
"""With fewer pages, a line that stands on each of them may be anything."""
_EDGE_LINES = 2
"""How many lines at the top and at the bottom of a page can be its head or foot."""
_MAX_HEAD_CHARACTERS = 100
_NUMBER = re.compile(r"\d+|\b[ivxlc]+\b", re.IGNORECASE)
_SENTENCE_END = re.compile(r"[.!?:…。！？][\"'”’»)\]]*$")


@dataclass(frozen=True)
class JoinedPages:
    """The pages of a document as one text."""

    text: str
    starts: Mapping[int, int]
    """Where each page begins in `text`, by its place in the document; pages without text have none."""
    left_out: list[str]
    """An example of each line that was left out of most pages."""


def join_pages(pages: Sequence[str]) -> JoinedPages:
    """Returns the text of all pages, without the heads and numbers that repeat."""
    lines = [page.strip().splitlines() for page in pages]
    heads = _running_heads(lines)
    left_out, starts = dict[str, str](), dict[int, int]()
    text = ""
    for at, page in enumerate(lines):
        body = "\n".join(_body(page, heads, left_out)).strip()
        if not body:
            continue
        goes_on = text and not _SENTENCE_END.search(text)
        text += "\n" if goes_on else "\n\n" if text else ""
        starts[at] = len(text)
        text += body
    return JoinedPages(text, starts, list(left_out.values()))


def edge_lines(page: str) -> list[str]:
    """The lines of a page that can be its head or foot, the first one first."""
    lines = page.strip().splitlines()
    return [lines[at].strip() for at in sorted(_edges(lines))]


def _running_heads(pages: Sequence[Sequence[str]]) -> frozenset[str]:
    if len(pages) < _MIN_PAGES:
        return frozenset()
    counted = Counter(head for page in pages for head in {_pattern(page[at]) for at in _edges(page)})
    return frozenset(head for head, count in counted.items() if count > len(pages) / 2)


def _body(page: Sequence[str], heads: frozenset[str], left_out: dict[str, str]) -> Iterator[str]:
    edges = _edges(page)
    for at, line in enumerate(page):
        if at in edges and len(line) <= _MAX_HEAD_CHARACTERS and _pattern(line) in heads:
            left_out.setdefault(_pattern(line), line.strip())
        else:
            yield line.rstrip()


def _edges(page: Sequence[str]) -> set[int]:
    filled = [at for at, line in enumerate(page) if line.strip()]
    return {*filled[:_EDGE_LINES], *filled[-_EDGE_LINES:]}


def _pattern(line: str) -> str:
    return _NUMBER.sub("#", " ".join(line.split()))
