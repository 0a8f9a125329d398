"""Fuses several ranked lists into one, and picks the words and phrases of a question for full-text search."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Sequence
from typing import TypeVar

from agents.llms.embedded.words import FUNCTION_WORDS

RRF_K = 60
"""The constant of reciprocal rank fusion; 60 was best for Cormack, Clarke and Büttcher, SIGIR 2009."""
MAX_TERMS = 64

Item = TypeVar("Item", bound=Hashable)


def reciprocal_rank_fusion(rankings: Iterable[Sequence[Item]]) -> list[tuple[Item, float]]:
    """All items with their fused scores, best first: the sum over the lists of 1 / (K + rank), ranks from 1.

    Items of equal score keep the order in which the lists first name them, so the result is deterministic.
    """
    scores: dict[Item, float] = {}
    for ranking in rankings:
        for rank, item in enumerate(ranking, start=1):
            scores[item] = scores.get(item, 0.0) + 1.0 / (RRF_K + rank)
    return sorted(scores.items(), key=lambda pair: -pair[1])


def content_words(text: str) -> list[str]:
    """The content words of `text`, in lower case, each once; they hold only letters and digits."""
    return _unique_terms(word for word in _tokens(text) if word.lower() not in FUNCTION_WORDS)


def exact_phrases(text: str) -> list[str]:
    """The phrases that `text` gives to the letter: quotations, and numbers of several parts such as `2021-010-FB-UA`.

    Each is words of letters and digits with single spaces between them.
    """
    quoted = re.findall(r"[\"“]([^\"“”]+)[\"”]", text)
    numbers = [found for found in re.findall(r"[^\W_]+(?:[-/.][^\W_]+)+", text) if any(c.isdigit() for c in found)]
    return _unique_terms(" ".join(_tokens(phrase)) for phrase in [*quoted, *numbers])


def fts5_query(phrases: Sequence[str]) -> str:
    """An FTS5 query that matches any of the phrases, each quoted, so that none is read as an operator."""
    return " OR ".join(f'"{phrase}"' for phrase in phrases)


def _tokens(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text)


def _unique_terms(phrases: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(phrase.lower() for phrase in phrases if phrase))[:MAX_TERMS]
