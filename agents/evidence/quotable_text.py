"""QuotableText: a text in which quotations are looked for, word by word."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from itertools import takewhile
from typing import TypeAlias

import regex

from agents.evidence.comparable_text import LINE_HYPHEN, ComparableText
from agents.evidence.page_breaks import without_page_breaks
from agents.evidence.word_boundaries import is_inside_word

Span: TypeAlias = tuple[int, int]
"""Offsets of the first character of a text, and of the one after the last."""

_Reading: TypeAlias = tuple[ComparableText, "list[int] | None"]
"""A form of the text, and for each of its characters the offset in the text itself; None where they are the same."""

MIN_QUOTE_CHARACTERS = 12
"""Shorter quotations are found anywhere by chance, so they prove nothing."""
SHORT_TEXT_CHARACTERS = 600
"""In a text up to this length, such as a post, one word can be what matters."""
OMISSION = regex.compile(r"\s*(?:\[\s*(?:\.{3}|…)\s*\]|\(\s*(?:\.{3}|…)\s*\)|\.{3,4}|…)\s*")
_OUTER_OMISSION = regex.compile(rf"^{OMISSION.pattern}|{OMISSION.pattern}$")
_END_MARKS = (".", ",", ";", ":")
_SENTENCE_END = regex.compile(r"[.!?…؟۔।]+[\"'”’»)\]]*\s+(?=[\"'“‘«(\[]*[\p{Lu}\p{Lo}])|[。！？]+|\n\s*\n")
_MAX_RESTORED_CHARACTERS = 600
"""A quotation that leaves out more of one sentence than this is not found."""


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

    def _spans(self, quote: str) -> Iterator[Span]:
        """Yields where the quotation stands; if nowhere, where it stands without the mark that ends it."""
        words = _comparable_quote(quote)
        spans = self._spans_in_readings(words)
        if (first := next(spans, None)) is not None:
            yield first
            yield from spans
        elif words.letters.endswith(_END_MARKS):
            # Where a quotation ends a sentence, its writer sets the full stop.
            yield from self._spans_in_readings(replace(words, letters=words.letters[:-1].rstrip()))

    def _spans_in_readings(self, words: ComparableText) -> Iterator[Span]:
        """Yields the places in the text as it is; if there are none, those in the text without its page breaks."""
        for text, offsets in (self._whole, self._without_repeated_heads, self._without_page_breaks):
            found = False
            for start, end in self._word_spans(words, text):
                found = True
                yield (offsets[start], offsets[end - 1] + 1) if offsets else (start, end)
            if found:
                return

    @cached_property
    def _whole(self) -> _Reading:
        return ComparableText.of(self.text), None

    @cached_property
    def _without_repeated_heads(self) -> _Reading:
        return _reading(without_page_breaks(self.text, heads_seen_once=False))

    @cached_property
    def _without_page_breaks(self) -> _Reading:
        return _reading(without_page_breaks(self.text, heads_seen_once=True))

    @staticmethod
    def _word_spans(quote: ComparableText, text: ComparableText) -> Iterator[Span]:
        if not quote.letters:
            return
        if len(quote.letters) < MIN_QUOTE_CHARACTERS and len(text.letters) > SHORT_TEXT_CHARACTERS:
            return
        for start, end in _occurrences(quote, text):
            if not (is_inside_word(text, start) or is_inside_word(text, end)):
                yield text.starts[start], text.ends[end - 1]

    def _with_whole_sentences(self, spans: list[Span]) -> tuple[Span, ...]:
        whole = spans[:1]
        for start, end in spans[1:]:
            before, left_off = whole[-1]
            every = _SENTENCE_END.finditer(self.text, left_off)
            boundaries = list(takewhile(lambda one, start=start: one.end() <= start, every))
            if boundaries:
                sentence_end = boundaries[0].start() + len(boundaries[0][0].rstrip())
                whole[-1:] = [(before, sentence_end), (boundaries[-1].end(), end)]
            elif start - left_off <= _MAX_RESTORED_CHARACTERS:
                whole[-1] = (before, end)
            else:
                return ()
        return tuple(whole)


def _reading(shortened: tuple[str, list[int]] | None) -> _Reading:
    text, offsets = shortened or ("", [])
    return ComparableText.of(text), offsets


def proves_nothing(quote: str) -> bool:
    """Whether a quotation is so short that it is found anywhere by chance."""
    return len(_comparable_quote(quote).letters) < MIN_QUOTE_CHARACTERS


def _comparable_quote(quote: str) -> ComparableText:
    """The comparable form of a quotation without the marks around it: its own, and those of an omission."""
    bare = _OUTER_OMISSION.sub("", quote.strip().strip("\"'“”„«»‘’ "))
    comparable = ComparableText.of(bare)
    return replace(comparable, letters=comparable.letters.strip(" \"'"))


def _occurrences(quote: ComparableText, text: ComparableText) -> Iterator[Span]:
    """Yields where the quotation's characters stand among those of the text, as positions in `text.letters`."""
    if not (quote.is_divided or text.is_divided):
        at = text.letters.find(quote.letters)
        while at >= 0:
            yield at, at + len(quote.letters)
            at = text.letters.find(quote.letters, at + 1)
        return
    # A hyphen at a line's end may belong to the word or not. So the search leaves out all hyphens, and each place
    # found is compared again with them.
    solid_quote, _ = quote.solid
    solid_text, positions = text.solid
    at = solid_text.find(solid_quote) if solid_quote else -1
    while at >= 0:
        start, end = positions[at], positions[at + len(solid_quote) - 1] + 1
        if _equal_but_for_line_hyphens(quote.letters.strip("-" + LINE_HYPHEN), text.letters[start:end]):
            yield start, end
        at = solid_text.find(solid_quote, at + 1)


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
