"""Searches a store in several ways, and fuses the results into one list.

Each query searches twice, by words (full text, BM25) and by meaning (the cosine with the passages' vectors), and the
ranked lists of all queries are fused by reciprocal rank. What a query gives to the letter, a quotation or a case
number, is searched a third time as a phrase.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from contract.findings import Passage
from flows.corpus.passage_store import PassageKey, SearchStore
from flows.corpus.ranking import content_words, exact_phrases, reciprocal_rank_fusion

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RANK_DEPTH = 100
"""How many places of each ranked list count; beyond them a passage adds less than 1/160 to its fused score."""


def hybrid_search(
    store: SearchStore[PassageKey], queries: Sequence[str], vectors: NDArray[np.float32], limit: int
) -> list[Passage]:
    """At most `limit` passages for all queries together, best first; `vectors` holds one vector a query."""
    depth = max(RANK_DEPTH, limit)
    phrase_lists = [phrases for query in queries for phrases in (content_words(query), exact_phrases(query)) if phrases]
    by_words = [store.full_text_search(phrases, depth) for phrases in phrase_lists]
    scores = dict(reciprocal_rank_fusion([*store.nearest(vectors, depth), *by_words]))
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


def _with_siblings(
    best: list[PassageKey], siblings: list[PassageKey], similarity: Mapping[PassageKey, float], limit: int
) -> list[PassageKey]:
    """The best passages, the last quarter of them replaced by further passages of the best document.

    The reasons of a decision seldom repeat the names that its facts introduce, so a search for the names alone does
    not find them.
    """
    nearest = sorted(siblings, key=lambda key: -similarity.get(key, 0.0))
    kept = max(limit - len(nearest), limit - limit // 4)
    return [*best[:kept], *nearest[: limit - kept]]
