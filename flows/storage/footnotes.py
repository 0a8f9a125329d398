"""The text of a PDF's page with its footnotes between two sentences, so that none is divided by them.

Notes stand below a column or a page, and the sentence above goes on in the next one. They are known by their smaller
letters and the number or sign that they begin with. The small raised number that leads to a note is read as what it
is, `ferry³`: as `ferry3`, or `1843`, it would be part of a word or a figure.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

_SMALLER = 0.93
"""Letters of a note are at most that much of the text's."""
_LEAST_LETTERS = 8
"""In fewer, smaller letters are a number that leads to a note, or a word."""
_RAISED = dict(zip(map(ord, "0123456789"), "⁰¹²³⁴⁵⁶⁷⁸⁹", strict=True))
_MARK = re.compile(r"\s*(\d{1,3}|[⁰¹²³⁴⁵⁶⁷⁸⁹]{1,3}|[*†‡§¶‖])\s*(?=\w)")
_NOTE_NUMBER = re.compile(r"[0-9]{1,3}|[*†‡§¶‖]{1,2}")
_LATER_MARK = re.compile(rf"\n{_MARK.pattern}")
"""At the foot of a column, a note of the one before goes on in front of its own."""
_RAISED_BY = 0.1, 0.8
"""How much higher a raised number stands than the words beside it, at least and at most, in sizes of their letters."""
_SENTENCE_END = re.compile(r"[.!?…][\"'”’»)\]]*(?=\s+[\"'“‘«(]?[A-ZÀ-Þ])")


@dataclass(frozen=True)
class _Piece:
    """Letters of one size that pypdf read together."""

    text: str
    size: float
    height: float
    """How high its line stands on the page."""


def text_of_page(page: Any) -> str:
    """The text of a pypdf page, its notes after the last sentence that ends on it. Nothing is left out.

    A blank is put between a note and its number, or the note's first word would be none.
    """
    pieces = list[_Piece]()

    def collect(text: str, current: Sequence[float], matrix: Sequence[float], _font: Any, size: float) -> None:
        height = matrix[5] * current[3] + current[5]
        pieces.append(_Piece(text, round(abs(size * (matrix[3] or matrix[1] or 1)), 1), height))

    whole: str = page.extract_text(visitor_text=collect)
    if "".join(piece.text for piece in pieces) != whole:
        return whole
    blocks = list(_blocks(pieces, _with_raised_numbers(pieces)))
    # The first block may be a head in small letters, and a last one of a single line the foot of the page.
    last = len(blocks) - (1 if _is_foot(blocks[-1][0]) else 0) if blocks else 0
    lowest = max((at for at, (text, is_small) in enumerate(blocks[:last]) if text.strip() and not is_small), default=0)
    notes = [
        text
        for at, (text, is_small) in enumerate(blocks[1:last], start=1)
        if is_small and (_is_note(text) or _goes_on(text, is_lowest=at > lowest))
    ]
    kept = "".join(text for text, _ in blocks if text not in notes)
    if not notes:
        return kept
    ends = [found.end() for found in _SENTENCE_END.finditer(kept)]
    at = ends[-1] if ends else 0
    spaced = [_with_blank_after_mark(note).strip() for note in notes]
    return "\n".join([kept[:at].rstrip(), *spaced, kept[at:].lstrip()]).strip()


def _with_raised_numbers(pieces: Sequence[_Piece]) -> list[str]:
    """The texts of the pieces, small raised numbers and signs as such, next to the word that they follow."""
    texts = [piece.text for piece in pieces]
    filled = [at for at, text in enumerate(texts) if text.strip()]
    for before, at, after in zip([None, *filled], filled, [*filled[1:], None], strict=False):
        if not _NOTE_NUMBER.fullmatch(texts[at].strip()):
            continue
        if before is not None and _is_raised(pieces[at], pieces[before]):
            texts[at] = texts[at].lstrip().translate(_RAISED)
            texts[before:at] = [texts[before].rstrip(" "), *(text.strip(" ") for text in texts[before + 1 : at])]
        elif after is not None and _is_raised(pieces[at], pieces[after]):
            texts[at] = texts[at].translate(_RAISED)
    return texts


def _is_raised(piece: _Piece, beside: _Piece) -> bool:
    least, most = (part * beside.size for part in _RAISED_BY)
    return piece.size < beside.size * _SMALLER and least < piece.height - beside.height < most


def _blocks(pieces: Sequence[_Piece], texts: Sequence[str]) -> Iterator[tuple[str, bool]]:
    """Runs of the text, and whether their letters are smaller than most."""
    letters = Counter[float]()
    for piece in pieces:
        letters[piece.size] += sum(map(str.isalpha, piece.text))
    usual = letters.most_common(1)[0][0] if letters else 0.0
    # What has no letters goes with what stands before it.
    small, before = list[tuple[str, bool]](), False
    for piece, text in zip(pieces, texts, strict=True):
        before = piece.size < usual * _SMALLER if text.strip() else before
        small.append((text, before))
    for is_small, run in groupby(small, key=lambda pair: pair[1]):
        yield "".join(text for text, _ in run), is_small


def _is_foot(text: str) -> bool:
    """Whether it is a single line that begins with no raised number, as a note does."""
    return "\n" not in text.strip() and text.strip()[:1] not in _RAISED.values()


def _with_blank_after_mark(note: str) -> str:
    mark = _MARK.match(note)
    return f"{mark[1]} {note[mark.end() :]}" if mark else note


def _goes_on(text: str, *, is_lowest: bool) -> bool:
    """Whether a note of the column or page before ends in the text, before others begin."""
    return _LATER_MARK.search(text) is not None and (is_lowest or text.lstrip()[:1].islower())


def _is_note(text: str) -> bool:
    return _MARK.match(text) is not None and sum(map(str.isalpha, text)) >= _LEAST_LETTERS
