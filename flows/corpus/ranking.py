"""Fuses several ranked lists into one, and picks the words and phrases of a question for full-text search."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TypeVar

from agents.llms.embedded.words import FUNCTION_WORDS

RRF_K = 60
"""The constant of reciprocal rank fusion; 60 was best for Cormack, Clarke and Büttcher, SIGIR 2009."""
WORDS_WEIGHT = 3.0
"""A list by words counts as often as so many by meaning: questions name what they ask for, and MiniLM is small. This
and `breadth` were chosen on every second question of `tests/benchmarks/test_retrieval.py`."""
MAX_TERMS = 64

Item = TypeVar("Item", bound=Hashable)


def reciprocal_rank_fusion(rankings: Iterable[tuple[Sequence[Item], float]]) -> dict[Item, float]:
    """All items with their fused scores: the sum over the lists of weight / (K + rank), ranks from 1."""
    scores: dict[Item, float] = {}
    for ranking, weight in rankings:
        for rank, item in enumerate(ranking, start=1):
            scores[item] = scores.get(item, 0.0) + weight / (RRF_K + rank)
    return scores


def fused_scores(
    rankings: Sequence[tuple[Sequence[Item], float]], document: Callable[[Item], str]
) -> dict[Item, float]:
    """The fused score of each passage plus that of its document, best first. Each ranking has its weight.

    A document stands in a ranking where its first passage stands. Items of equal score keep the order in which the
    rankings first name them, so the result is deterministic.
    """
    passages = reciprocal_rank_fusion(rankings)
    of_documents = [(list(dict.fromkeys(map(document, ranking))), weight) for ranking, weight in rankings]
    documents = reciprocal_rank_fusion(of_documents)
    scores = {key: score + documents[document(key)] for key, score in passages.items()}
    return dict(sorted(scores.items(), key=lambda pair: -pair[1]))


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
