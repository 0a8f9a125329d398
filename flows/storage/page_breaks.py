"""Joins the pages of a document to one text, in which a sentence goes on over a page break.

Running heads and page numbers stand between the two halves of such a sentence. They are known by their repetition: the
same line, but for its numbers, first or last on most pages; or, as the title of a chapter, on pages near each other;
or by the number of the page beside it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass

_MIN_PAGES = 3
"""With fewer pages, a line that stands on each of them may be anything."""
_EDGE_LINES = 2
"""How many lines at the top and at the bottom of a page can be its head or foot."""
_MAX_HEAD_CHARACTERS = 100
_NEAR_PAGES = 2
"""Where left and right pages have heads of their own, the same head stands on every second page."""
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


def join_pages(pages: Sequence[str], numbers: Mapping[int, str] | None = None) -> JoinedPages:
    """Returns the text of all pages, without the heads and numbers that repeat.

    `numbers` are those printed on the pages, by the place of the page.
    """
    lines = [page.strip().splitlines() for page in pages]
    heads, near = _running_heads(lines), _heads_of_chapters(lines)
    left_out, starts = dict[str, str](), dict[int, int]()
    text = ""
    for at, page in enumerate(lines):
        outer = {*near[at], *_beside_number(page, (numbers or {}).get(at))}
        body = "\n".join(_body(page, heads, outer, left_out)).strip()
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


def _heads_of_chapters(pages: Sequence[Sequence[str]]) -> list[set[int]]:
    """For each page the places of its first and its last line, where a page near it has that line too."""
    found: list[set[int]] = [set() for _ in pages]
    for at, page in enumerate(pages if len(pages) >= _MIN_PAGES else ()):
        for other in range(at + 1, min(at + 1 + _NEAR_PAGES, len(pages))):
            for here, there in zip(_outermost(page), _outermost(pages[other]), strict=False):
                line = _pattern(page[here])
                if line == _pattern(pages[other][there]) and any(map(str.isalpha, line)):
                    found[at].add(here)
                    found[other].add(there)
    return found


def _beside_number(page: Sequence[str], number: str | None) -> Iterator[int]:
    """The first or the last line, where the page's number stands at its outer edge.

    Where the number has a line of its own, that line counts, and so does the one next to it if it is in capitals.
    """
    filled = [at for at, line in enumerate(page) if line.strip()]
    alone = [at for at in _edges(page) if page[at].strip(" -–—[]()|") == number]
    yield from alone
    for ends in (filled[:_EDGE_LINES], filled[-_EDGE_LINES:]) if alone else ():
        if len(filled) > _EDGE_LINES and set(ends) & set(alone):
            yield from (at for at in ends if page[at].isupper())
    if number is not None and not alone:
        edge = re.compile(rf"^\W*{number}(?=\W|[A-Z]{{2}})|(?<!\w){number}\W*$")
        yield from [at for at in _outermost(page) if _is_head(edge.sub("", page[at].strip()), page[at])][:1]


def _is_head(without_number: str, line: str) -> bool:
    """Whether the line had the number, and is no sentence's end beside it."""
    return without_number != line.strip() and not _SENTENCE_END.search(without_number.strip())


def _outermost(page: Sequence[str]) -> list[int]:
    """The places of the first and the last line that is filled; a line alone is a head only if it is in capitals."""
    filled = [at for at, line in enumerate(page) if line.strip()]
    return [filled[0], filled[-1]] if len(filled) > 1 or any(page[at].isupper() for at in filled) else []


def _body(page: Sequence[str], heads: frozenset[str], outer: Container[int], left_out: dict[str, str]) -> Iterator[str]:
    edges = _edges(page)
    for at, line in enumerate(page):
        is_head = at in outer or (at in edges and _pattern(line) in heads)
        if is_head and len(line) <= _MAX_HEAD_CHARACTERS:
            left_out.setdefault(_pattern(line), line.strip())
        else:
            yield line.rstrip()


def _edges(page: Sequence[str]) -> set[int]:
    filled = [at for at, line in enumerate(page) if line.strip()]
    return {*filled[:_EDGE_LINES], *filled[-_EDGE_LINES:]}


def _pattern(line: str) -> str:
    return _NUMBER.sub("#", " ".join(line.split()))
