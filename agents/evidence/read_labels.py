"""Labels as models write them: `[p3]`, `Passage no. 3`, or with the digest of the mark that stands beside the label."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import Literal, TypeAlias

LabelLetter: TypeAlias = Literal["P", "A", "C"]
"""Of passages, answers and claims."""
_WORDS: dict[LabelLetter, str] = {"P": "passage", "A": "answer", "C": "claim"}
_MARK_DIGITS = 32
"""Of the digest in the mark around a passage."""
_NUMBER_ALONE = re.compile(r"[\W_]*0*([1-9]\d{0,3})[\W_]*")


def labels_in(text: str, letter: LabelLetter) -> list[str]:
    """Returns the labels of that letter in a text that should be one, in order; a number alone is one, too."""
    plain = unicodedata.normalize("NFKC", text)
    numbers: list[str] = _spelling(letter).findall(plain)
    if alone := _NUMBER_ALONE.fullmatch(plain):
        numbers = [alone[1]]
    return list(dict.fromkeys(f"{letter}{int(number)}" for number in numbers))


def label_in(text: str, letter: LabelLetter) -> str:
    """Returns the first label of that letter in the text; the text itself where it holds none."""
    return next(iter(labels_in(text, letter)), text.strip())


@cache
def _spelling(letter: LabelLetter) -> re.Pattern[str]:
    between = r"[\s_.:#-]*"
    # A digest without a blank before it may begin with a digit, so only its length tells where the label ends.
    end = rf"(?: (?![^\W_]) | (?= [0-9a-f]{{{_MARK_DIGITS}}} (?![^\W_]) ) )"
    before = rf"(?<![^\W_]) (?: {_WORDS[letter]}s? (?: \s* (?:no|nr|number)(?![^\W\d_]) )? | {letter} ) {between}"
    return re.compile(rf"(?ix) {before} (?: {letter} {between} )? 0* ([1-9]\d{{0,3}}) {end}")
