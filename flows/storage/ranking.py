"""Ranking: several ranked lists fused into one, and full-text queries that are safe to run."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Sequence
from typing import TypeVar

from agents.llms.embedded.words import FUNCTION_WORDS

K = 60
"""The constant of reciprocal rank fusion: Cormack, Clarke and Büttcher, SIGIR 2009, found 60 to serve best."""
MAX_TERMS = 64

Item = TypeVar("Item", bound=Hashable)


def fuse(rankings: Iterable[Sequence[Item]]) -> list[tuple[Item, float]]:
    """All items with their fused scores, best first: the sum over the lists of 1 / (K + rank), ranks from 1.

    Items of equal score keep the order in which the lists first name them, so the result is deterministic.
    """
    scores: dict[Item, float] = {}
    for ranking in rankings:
        for rank, item in enumerate(ranking, start=1):
            scores[item] = scores.get(item, 0.0) + 1.0 / (K + rank)
    return sorted(scores.items(), key=lambda pair: -pair[1])


def fts_query(text: str) -> str | None:
    """`text` as an FTS5 query that matches any of its content words, or None when it has none.

    Only letters and digits get through, each word quoted, so that no operator of the query language can.
    """
    words = [word for word in _words(text) if word.lower() not in FUNCTION_WORDS]
    return _any_of(words)


def fts_exact_query(text: str) -> str | None:
    """An FTS5 query for what `text` gives to the letter, or None: what stands in quotation marks, and numbers of
    several parts such as `2021-010-FB-UA`. It is made as safely as `fts_query`.
    """
    quoted = re.findall(r"[\"“]([^\"“”]+)[\"”]", text)
    numbers = [found for found in re.findall(r"[^\W_]+(?:[-/.][^\W_]+)+", text) if any(c.isdigit() for c in found)]
    return _any_of([" ".join(_words(phrase)) for phrase in [*quoted, *numbers]])


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text)


def _any_of(phrases: Iterable[str]) -> str | None:
    terms = list(dict.fromkeys(phrase.lower() for phrase in phrases if phrase))[:MAX_TERMS]
    return " OR ".join(f'"{term}"' for term in terms) or None
