"""Searching: a question asked of a store in several ways, and the answers fused into one list.

Each query is asked twice, of the words (full text, BM25) and of the meaning (the cosine with the passages' vectors),
and the ranked lists of all queries are fused by reciprocal rank. What a query gives to the letter, a quotation or a
case number, is asked for a third time as such.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from contract.findings import Passage
from flows.corpus.passage_store import Key, SearchStore
from flows.corpus.ranking import exact_phrases, fuse, words

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DEPTH = 100
"""How far down each ranked list counts; beyond it a passage's share of the fused score is below 1/160."""


def search(store: SearchStore[Key], queries: Sequence[str], vectors: NDArray[np.float32], limit: int) -> list[Passage]:
    """At most `limit` passages for the queries together, best first; `vectors` holds one a query."""
    depth = max(DEPTH, limit)
    phrase_lists = [phrases for query in queries for phrases in (words(query), exact_phrases(query)) if phrases]
    by_words = [store.matching(phrases, depth) for phrases in phrase_lists]
    scores = dict(fuse([*store.nearest(vectors, depth), *by_words]))
    best = list(scores)[:limit]
    if not best:
        return []
    siblings = [key for key in store.siblings(best[0]) if key not in best]
    similarity = store.similarity([*best, *siblings], vectors)
    chosen = _with_siblings(best, siblings, similarity, limit)
    found = store.passages(chosen)
    return [
        found[key].model_copy(update={"score": scores.get(key, 0.0), "similarity": similarity.get(key, 0.0)})
        for key in chosen
        if key in found
    ]


def _with_siblings(first: list[Key], further: list[Key], similarity: Mapping[Key, float], limit: int) -> list[Key]:
    """The best passages, their last quarter given up for further passages of the best document.

    The reasons of a decision seldom repeat the names that its facts introduce, so a search for the names alone does
    not find them.
    """
    nearest = sorted(further, key=lambda key: -similarity.get(key, 0.0))
    kept = max(limit - len(nearest), limit - limit // 4)
    return [*first[:kept], *nearest[: limit - kept]]
