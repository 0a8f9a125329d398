"""Names the parts of a document without pages by their headings, so that a citation says where a quotation stands."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from contract.record import Locator, place_name

_LONGEST_HEADING = 200
"""Whole paragraphs are set as headings, too, for their looks."""
_BLOCK_END = "\n\n"
_MARKDOWN = re.compile(r"(?m)^ {0,3}(?P<fence>```|~~~)|^ {0,3}#{1,6}[ \t]+(?P<name>.*?)[ \t#]*$")


@dataclass
class Blocks:
    """The paragraphs of a document, one after the other, some of them headings."""

    headings: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])
    """Offset and words of each heading."""
    _parts: list[str] = field(default_factory=list[str])
    _length: int = 0

    @property
    def text(self) -> str:
        """All paragraphs, with an empty line between two."""
        return _BLOCK_END.join(self._parts)

    def add(self, words: str, *, is_heading: bool = False) -> None:
        """Adds a paragraph, unless it is blank."""
        if not (words := words.strip()):
            return
        start = self._length + len(_BLOCK_END) * bool(self._parts)
        if is_heading:
            self.headings.append((start, words))
        self._parts.append(words)
        self._length = start + len(words)


def heading_locators(headings: Sequence[tuple[int, str]]) -> tuple[Locator, ...]:
    """The parts that begin at those offsets; none where there is only a heading above the whole text, its title."""
    named = [(start, place_name(words)) for start, words in headings if len(words) <= _LONGEST_HEADING]
    named = [(start, name) for start, name in named if name]
    if not named or (len(named) == 1 and named[0][0] == 0):
        return ()
    # Without a name of its own, what stands above the first heading would be cited as being below it.
    before = [(0, "before the first heading")] if named[0][0] else []
    return tuple(Locator(start=start, name=words) for start, words in (*before, *named))


def headings_in_lines(text: str, headings: Iterable[str]) -> list[tuple[int, str]]:
    """Where each heading stands in the text, as a line of its own, in their order; one that does not is left out."""
    found, position = list[tuple[int, str]](), 0
    for words in headings:
        if words and (line := re.compile(rf"(?m)^{re.escape(words)}$").search(text, position)):
            found.append((line.start(), words))
            position = line.end()
    return found


def markdown_headings(text: str) -> list[tuple[int, str]]:
    """The headings of Markdown that begin with `#`, outside of blocks of code."""
    found, in_code = list[tuple[int, str]](), False
    for one in _MARKDOWN.finditer(text):
        if one["fence"]:
            in_code = not in_code
        elif not in_code and one["name"]:
            found.append((one.start(), one["name"]))
    return found
