"""The text of a PDF's page with its footnotes between two sentences, so that none is divided by them.

Notes stand below a column or a page, and the sentence above goes on in the next one. They are known by their smaller
letters and the number or sign that they begin with.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

_SMALLER = 0.93
"""Letters of a note are at most that much of the text's."""
_LEAST_LETTERS = 8
"""In fewer, smaller letters are a number that leads to a note, or a word."""
_MARK = re.compile(r"\s*(\d{1,3}|[*†‡§])\s*(?=\w)")
_SENTENCE_END = re.compile(r"[.!?…][\"'”’»)\]]*(?=\s+[\"'“‘«(]?[A-ZÀ-Þ])")


def text_of_page(page: Any) -> str:
    """The text of a pypdf page, its notes after the last sentence that ends on it. Nothing is left out.

    A blank is put between a note and its number, or the note's first word would be none.
    """
    pieces = list[tuple[str, float]]()

    def collect(text: str, _transform: Any, matrix: Sequence[float], _font: Any, size: float) -> None:
        pieces.append((text, round(abs(size * (matrix[3] or matrix[1] or 1)), 1)))

    whole: str = page.extract_text(visitor_text=collect)
    blocks = list(_blocks(pieces))
    # The first block may be a head in small letters, and a last one of a single line the foot of the page.
    last = len(blocks) - (1 if "\n" not in blocks[-1][0].strip() else 0) if blocks else 0
    notes = [text for text, is_small in blocks[1:last] if is_small and _is_note(text)]
    if not notes or "".join(text for text, _ in blocks) != whole:
        return whole
    kept = "".join(text for text, _ in blocks if text not in notes)
    ends = [found.end() for found in _SENTENCE_END.finditer(kept)]
    at = ends[-1] if ends else 0
    spaced = [_MARK.sub(r"\1 ", note, count=1).strip() for note in notes]
    return "\n".join([kept[:at].rstrip(), *spaced, kept[at:].lstrip()]).strip()


def _blocks(pieces: Sequence[tuple[str, float]]) -> Iterator[tuple[str, bool]]:
    """Runs of the text, and whether their letters are smaller than most."""
    letters = Counter[float]()
    for text, size in pieces:
        letters[size] += sum(map(str.isalpha, text))
    usual = letters.most_common(1)[0][0] if letters else 0.0
    # What has no letters goes with what stands before it.
    small, before = list[tuple[str, bool]](), False
    for text, size in pieces:
        before = size < usual * _SMALLER if text.strip() else before
        small.append((text, before))
    for is_small, run in groupby(small, key=lambda pair: pair[1]):
        yield "".join(text for text, _ in run), is_small


def _is_note(text: str) -> bool:
    return _MARK.match(text) is not None and sum(map(str.isalpha, text)) >= _LEAST_LETTERS
