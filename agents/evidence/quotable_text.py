"""QuotableText: a text in which quotations are looked for, word by word."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile
from typing import TypeAlias

import regex

from agents.evidence.comparable_text import HYPHENS, LINE_HYPHEN, ComparableText
from agents.evidence.extract import Extract
from agents.evidence.lost_line_ends import with_line_ends
from agents.evidence.markup import without_markup
from agents.evidence.page_breaks import without_page_breaks
from agents.evidence.quotation_forms import OMISSION, bare_quotation, forms_of
from agents.evidence.sentence_ends import sentence_ends
from agents.evidence.word_boundaries import is_inside_word

Span: TypeAlias = tuple[int, int]
"""Offsets of the first character of a text, and of the one after the last."""

MIN_QUOTE_CHARACTERS = 12
"""Shorter quotations are found anywhere by chance, so they prove nothing."""
SHORT_TEXT_CHARACTERS = 600
"""In a text up to this length, such as a post, one word can be what matters."""
_END_MARKS = (".", ",", ";", ":")
_SOMETHING = regex.compile(r"[^\p{P}\p{Z}\p{C}]")
_MAX_RESTORED_CHARACTERS = 600
"""A quotation that leaves out more of one sentence than this is not found."""


@dataclass(frozen=True)
class NearMiss:
    """Where the letters of a quotation stand that is no quotation."""

    words: str
    """The whole words there."""
    is_cut: bool
    """Whether it begins or ends inside a word; else it is so short that it proves nothing."""


class QuotableText:
    """A text in which quotations are looked for; it is made comparable once for all of them."""

    def __init__(self, text: str) -> None:
        self.text = text

    def find(self, quote: str) -> Span | None:
        """Returns where `quote` stands in the text as whole words; None if it does not.

        A quotation of fewer than 12 characters proves nothing in a long text, where it is found by chance. In a
        text of at most 600 characters it counts.
        """
        return next(self._spans(quote), None)

    def find_parts(self, quote: str) -> tuple[Span, ...]:
        """Returns where the words of `quote` stand; empty if they do not all stand here, in this order.

        A quotation with omissions, as in `the post […] was removed`, stands in several places. What it leaves out of
        a sentence is put back, so that no omission hides a `not`: left out are whole sentences only.
        """
        if whole := self.find(quote):
            return (whole,)
        parts = [part for part in OMISSION.split(quote) if part.strip()]
        found = list[Span]()
        for part in parts if len(parts) > 1 else ():
            after = found[-1][1] if found else 0
            span = next((one for one in self._spans(part) if one[0] >= after), None)
            if span is None:
                return ()
            found.append(span)
        return self._with_whole_sentences(found)

    def near_miss(self, quote: str) -> NearMiss | None:
        """Where the letters of a quotation stand that was not found; None where they stand nowhere."""
        letters = _comparable_letters(quote)
        for form in (letters, letters.rstrip("".join(_END_MARKS)).rstrip()):
            for text in self._readings() if _SOMETHING.search(form) else ():
                for start, end in _occurrences(form, text):
                    first, last = _widened(text, start, end)
                    is_cut = (first, last) != (start, end)
                    if is_cut or len(form) < MIN_QUOTE_CHARACTERS:
                        return NearMiss(self.text[text.starts[first] : text.ends[last - 1]], is_cut)
        return None

    def _spans(self, quote: str) -> Iterator[Span]:
        """Yields where the quotation stands in the first of its forms that stands somewhere."""
        for form in forms_of(quote):
            found = False
            for span in self._spans_of_form(form):
                found = True
                yield span
            if found:
                return

    def _spans_of_form(self, quote: str) -> Iterator[Span]:
        """Yields where the quotation stands; if nowhere, where it stands without the mark that ends it."""
        letters = _comparable_letters(quote)
        spans = self._spans_of_words(letters)
        if (first := next(spans, None)) is not None:
            yield first
            yield from spans
        elif letters.endswith(_END_MARKS):
            # Where a quotation ends a sentence, its writer sets the full stop.
            yield from self._spans_of_words(letters[:-1].rstrip())

    def _spans_of_words(self, letters: str) -> Iterator[Span]:
        """Yields the places in the first reading of the text that has one."""
        if not _SOMETHING.search(letters):
            return
        for text in self._readings():
            found = False
            for start, end in _spans_in(text, letters):
                if not self._divides_word(start, end):
                    found = True
                    yield start, end
            if found:
                return

    def _readings(self) -> Iterator[ComparableText]:
        """Yields the text as it is; then without its page breaks or its markup; then with line ends that were lost."""
        yield self._whole
        yield from self._extracts
        yield from _readings_of((with_line_ends(self.text),))

    @cached_property
    def _whole(self) -> ComparableText:
        return ComparableText.of(self.text)

    @cached_property
    def _extracts(self) -> tuple[ComparableText, ...]:
        """The text without what surely stands between its pages, without all that may, and without markup."""
        pages = (without_page_breaks(self.text, heads_seen_once=seen_once) for seen_once in (False, True))
        return _readings_of((*pages, without_markup(self.text)))

    def _divides_word(self, start: int, end: int) -> bool:
        """Whether a place is inside a word that goes on over a page or over markup, as in `un<b>lawful</b>`."""
        return any(is_inside_word(text, bisect_left(text.starts, at)) for text in self._extracts for at in (start, end))

    def _with_whole_sentences(self, spans: list[Span]) -> tuple[Span, ...]:
        whole = spans[:1]
        for start, end in spans[1:]:
            before, left_off = whole[-1]
            every = sentence_ends(self.text, left_off)
            left_out = list(takewhile(lambda one, start=start: one[1] <= start, every))
            if left_out:
                whole[-1:] = [(before, left_out[0][0]), (left_out[-1][1], end)]
            elif start - left_off <= _MAX_RESTORED_CHARACTERS:
                whole[-1] = (before, end)
            else:
                return ()
        return tuple(whole)


def _readings_of(extracts: Iterable[Extract | None]) -> tuple[ComparableText, ...]:
    return tuple(ComparableText.of(text).in_longer_text(offsets) for text, offsets in filter(None, extracts))


def proves_nothing(quote: str) -> bool:
    """Whether a quotation is so short that it is found anywhere by chance."""
    return len(_comparable_letters(quote)) < MIN_QUOTE_CHARACTERS


def _comparable_letters(quote: str) -> str:
    """The comparable form of a quotation, with one kind of quotation mark and none around it."""
    return ComparableText.of(bare_quotation(quote)).alike.strip(" '")


def _spans_in(text: ComparableText, letters: str) -> Iterator[Span]:
    """Yields where the letters stand as whole words, unless they are so few that they prove nothing."""
    if len(letters) < MIN_QUOTE_CHARACTERS and len(text.letters) > SHORT_TEXT_CHARACTERS:
        return
    for start, end in _occurrences(letters, text):
        if not (is_inside_word(text, start) or is_inside_word(text, end)):
            yield text.starts[start], text.ends[end - 1]


def _widened(text: ComparableText, start: int, end: int) -> Span:
    """The span of the whole words that the span is part of."""
    while is_inside_word(text, start):
        start -= 1
    while is_inside_word(text, end):
        end += 1
    return start, end


def _occurrences(letters: str, text: ComparableText) -> Iterator[Span]:
    """Yields where the letters stand among those of the text, as positions in its letters."""
    if not (LINE_HYPHEN in letters or text.is_divided):
        for at in _places(letters, text.alike):
            yield at, at + len(letters)
        return
    # A hyphen at a line's end may belong to the word or not. So the search leaves out all hyphens, and each place
    # found is compared again with them.
    letters = letters.strip(LINE_HYPHEN)
    solid = "".join(letter for letter in letters if letter not in HYPHENS)
    solid_text, positions = text.solid
    for at in _places(solid, solid_text):
        start = max(0, positions[at] - letters.startswith("-"))
        end = positions[at + len(solid) - 1] + 1 + letters.endswith("-")
        if _equal_but_for_line_hyphens(letters, text.alike[start:end]):
            yield start, end


def _places(part: str, whole: str) -> Iterator[int]:
    at = whole.find(part) if part else -1
    while at >= 0:
        yield at
        at = whole.find(part, at + 1)


def _equal_but_for_line_hyphens(quote: str, text: str) -> bool:
    i = j = 0
    while i < len(quote) and j < len(text):
        if quote[i] == text[j] or {quote[i], text[j]} == {"-", LINE_HYPHEN}:
            i, j = i + 1, j + 1
        elif quote[i] == LINE_HYPHEN:
            i += 1
        elif text[j] == LINE_HYPHEN:
            j += 1
        else:
            return False
    return i == len(quote) and j == len(text)
