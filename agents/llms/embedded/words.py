"""Splits a text into content words, each with its stem, and measures how rare a word is in English."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from agents.llms.divided_words import divided_words

FUNCTION_WORDS = frozenset(
    files("agents.llms").joinpath("data", "function-words.txt").read_text(encoding="utf-8").split()
)
"""Words with a grammatical function and no content."""
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_OPENING = " \"'“”‘("
"""Signs that may stand before the first word of a sentence."""
_MAX_CACHED_STEMS = 200_000
_COMMONEST, _RAREST = 1996, 30_522
"""Ids in BERT's vocabulary, where whole words are roughly in the order of their frequency: `the` is 1996."""


@dataclass(frozen=True)
class Word:
    """One word of a text."""

    text: str
    """The word as written."""
    stem: str
    is_name: bool
    """Whether it has a capital within a sentence, a capital at its end, or a digit, as names, titles, numbers and
    abbreviations have."""


def words(text: str) -> list[Word]:
    """The content words of `text` in order, then those that line ends divide in it; function words are left out."""
    found: list[Word] = []
    text_begins = len(text) - len(text.lstrip(_OPENING))
    for match in _WORD.finditer(text):
        plain = re.sub(r"['’]s$", "", match[0])
        if plain.lower() in FUNCTION_WORDS or (len(plain) == 1 and not plain.isdigit()):
            continue
        starts_sentence = match.start() <= text_begins or _sign_before(text, match.start()) in ".?!"
        is_name = (
            (plain[0].isupper() and not starts_sentence) or plain[-1:].isupper() or any(c.isdigit() for c in plain)
        )
        found.append(Word(plain, stem(plain), is_name))
    # Beside its halves, since the hyphen may be the word's own.
    joined = (one for one in divided_words(text) if one.lower() not in FUNCTION_WORDS)
    return [*found, *(Word(one, stem(one), one[0].isupper()) for one in joined)]


def _sign_before(text: str, end: int) -> str:
    """The last sign before `end` that is no blank; empty if there is none."""
    while end and text[end - 1].isspace():
        end -= 1
    return text[end - 1] if end else ""


def stems(text: str) -> set[str]:
    """The stems of the content words."""
    return {word.stem for word in words(text)}


@lru_cache(maxsize=_MAX_CACHED_STEMS)
def stem(word: str) -> str:
    """The word without its ending: Porter's second stemmer for English (snowballstem.org)."""
    # A stemmer holds the word that it works on, so each word has its own: threads of several cells stem at once.
    return _stemmer_class()().stemWord(word.lower())


def rarity(word: str) -> float:
    """How rare a word is in English, from 0 (`the`) to 1 (not in BERT's vocabulary): the scaled logarithm of its rank.

    By Zipf's law, the logarithm of a word's rank increases with its inverse frequency, like an IDF.
    """
    rank = _vocabulary().get(word.lower(), _RAREST) - _COMMONEST + 1
    return min(1.0, max(0.0, math.log(max(rank, 1)) / math.log(_RAREST - _COMMONEST)))


@cache
def _stemmer_class() -> Any:
    # Not `snowballstemmer.stemmer`, which gives another implementation where PyStemmer is installed.
    from snowballstemmer.english_stemmer import EnglishStemmer  # type: ignore[reportMissingTypeStubs]

    return EnglishStemmer


@cache
def _vocabulary() -> Mapping[str, int]:
    from agents.llms.minilm import vocabulary

    return vocabulary()
