"""The numbers that are printed on the pages of a document, where they count on from page to page."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from flows.storage.page_breaks import edge_lines

_MIN_PAGES = 3
"""A number must count on over as many pages; on fewer it may be a year or the number of a chapter."""
_MAX_GAP = 4
"""Between two numbered pages, up to so many may carry none, such as the first of a chapter."""
_ROMAN = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}
_NUMBER_AT_EDGE = re.compile(
    r"^\W*(?:p|pp|page|seite|s)?\.?\s*(?P<first>\d{1,4}(?:\b|(?=(?-i:[A-Z]{2})))|[ivxlc]{1,7}\b)|\b(?P<last>\d{1,4}|[ivxlc]{1,7})\W*$",
    re.IGNORECASE,
)


def printed_numbers(pages: Sequence[str]) -> dict[int, str]:
    """Returns the printed number of each page that has one, by the page's place in the document."""
    found = defaultdict[tuple[bool, int], dict[int, str]](dict)
    alone = Counter[tuple[bool, int]]()
    for at, page in enumerate(pages):
        for text, is_alone in _numbers_of(page):
            is_roman = not text.isdecimal()
            series = is_roman, (_roman_value(text) if is_roman else int(text)) - at
            found[series].setdefault(at, text)
            alone[series] += is_alone
    numbers = dict[int, str]()
    # Of two series on the same pages, such as numbers and the days of a diary, the numbers stand alone on their lines.
    for series, by_page in sorted(found.items(), key=lambda item: (-len(item[1]), -alone[item[0]])):
        is_roman, offset = series
        if len(by_page) < min(_MIN_PAGES, len(pages)) or len(by_page) < 2:
            continue
        for at in _with_gaps([*by_page]):
            value = offset + at
            text = _roman_text(value) if is_roman else str(value)
            numbers.setdefault(at, by_page.get(at, text).lower() if is_roman else text)
    return {**_before_first(numbers, found.get((True, 1), {})), **numbers}


def _before_first(numbers: Mapping[int, str], roman: Mapping[int, str]) -> dict[int, str]:
    """The roman numbers of a few pages before page 1, such as a title and a preface, where all of these count on."""
    first = min((at for at, number in numbers.items() if number == "1"), default=0)
    before = {at: number for at, number in roman.items() if at < first and number.islower()}
    return before if len(before) == first else {}


def _numbers_of(page: str) -> Iterator[tuple[str, bool]]:
    """The numbers at the beginnings and ends of the lines, each with whether it is alone on its line."""
    for line in edge_lines(page):
        for match in _NUMBER_AT_EDGE.finditer(line):
            yield match["first"] or match["last"], len(re.findall(r"\w+", line)) == 1


def _with_gaps(pages: list[int]) -> Iterator[int]:
    yield pages[0]
    for before, after in pairwise(pages):
        yield from range(before + 1 if after - before <= _MAX_GAP else after, after + 1)


def _roman_value(text: str) -> int:
    values = [_ROMAN[letter] for letter in text.lower()]
    return sum(-value if value < after else value for value, after in zip(values, [*values[1:], 0], strict=True))


def _roman_text(value: int) -> str:
    signs = {100: "c", 90: "xc", 50: "l", 40: "xl", 10: "x", 9: "ix", 5: "v", 4: "iv", 1: "i"}
    text = ""
    for number, sign in signs.items():
        text += sign * (value // number)
        value %= number
    return text
