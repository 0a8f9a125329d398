"""Pairs of letters by which texts are searched whose script writes no spaces between words."""

from __future__ import annotations

from itertools import pairwise

import regex

from agents.evidence.scripts import UNSPACED
from flows.corpus.ranking import MAX_TERMS

_STRETCH = regex.compile(rf"(?:[{UNSPACED}]\p{{M}}*)+")
_LETTER = regex.compile(rf"[{UNSPACED}]\p{{M}}*")


def grams(text: str) -> list[str]:
    """Every two neighbouring letters of such scripts, in order; a letter between others is one by itself."""
    found = list[str]()
    for stretch in _STRETCH.findall(text):
        letters: list[str] = _LETTER.findall(stretch)
        found += [a + b for a, b in pairwise(letters)] or letters
    return found


def query_grams(text: str) -> list[str]:
    """The different ones of a question, at most 64."""
    return list(dict.fromkeys(grams(text)))[:MAX_TERMS]


def is_unspaced(text: str) -> bool:
    """Whether most letters of the text are of such scripts."""
    return 2 * sum(map(len, _STRETCH.findall(text))) > len(regex.findall(r"\p{L}", text))
