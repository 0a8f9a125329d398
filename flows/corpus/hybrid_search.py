"""Searches a store in several ways, and fuses the results into one list.

Each query searches twice, by words (full text, BM25) and by meaning (the cosine with the passages' vectors), and the
ranked lists of all queries are fused by reciprocal rank. What a query gives to the letter, a quotation or a case
number, is searched a third time as a phrase. Texts in scripts without spaces are searched by pairs of letters. Passages
with the same text take one place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from contract.findings import Passage
from flows.corpus.copies import Copies
from flows.corpus.grams import is_unspaced, query_grams
from flows.corpus.passage_store import PassageKey, SearchStore
from flows.corpus.ranking import content_words, exact_phrases, reciprocal_rank_fusion

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RANK_DEPTH = 100
"""How many places of each ranked list count; beyond them a passage adds less than 1/160 to its fused score."""
_MAX_DEPTH = 6400
"""How deep a list is read that holds many copies."""


def hybrid_search(
    store: SearchStore[PassageKey], queries: Sequence[str], vectors: NDArray[np.float32], limit: int
) -> list[Passage]:
    """At most `limit` passages for all queries together, best first; `vectors` holds one vector a query."""
    rankings, copies = _distinct_rankings(store, queries, vectors, max(RANK_DEPTH, limit))
    scores = dict(reciprocal_rank_fusion(rankings))
    best = list(scores)[:limit]
    if not best:
        return []
    taken = {copy for key in best for copy in copies.of(key)}
    siblings = [key for key in store.siblings(best[0]) if key not in taken]
    similarity = store.similarity([*best, *siblings], vectors)
    chosen = _with_siblings(best, siblings, similarity, limit)
    found = store.passages(list(dict.fromkeys(copy for key in chosen for copy in copies.of(key))))
    return [
        found[key].model_copy(
            update={
                "score": scores.get(key, 0.0),
                "similarity": similarity.get(key, 0.0),
                "also_in": _other_documents(found[key], [found[copy] for copy in copies.of(key) if copy in found]),
            }
        )
        for key in chosen
        if key in found
    ]


def _distinct_rankings(
    store: SearchStore[PassageKey], queries: Sequence[str], vectors: NDArray[np.float32], depth: int
) -> tuple[list[list[PassageKey]], Copies[PassageKey]]:
    """The ranked lists without copies, each of `depth` texts where there are as many; and the copies."""
    wanted = depth
    while True:
        full = _rankings(store, queries, vectors, depth)
        copies = Copies(full, store.content_hashes(list(dict.fromkeys(key for one in full for key in one))))
        distinct = [copies.distinct(one) for one in full]
        is_deep = all(len(one) < depth or len(short) >= wanted for one, short in zip(full, distinct, strict=True))
        if is_deep or depth >= _MAX_DEPTH:
            return [one[:wanted] for one in distinct], copies
        depth *= 4


def _rankings(
    store: SearchStore[PassageKey], queries: Sequence[str], vectors: NDArray[np.float32], depth: int
) -> list[list[PassageKey]]:
    phrase_lists = [phrases for query in queries for phrases in (content_words(query), exact_phrases(query)) if phrases]
    by_words = [store.full_text_search(phrases, depth) for phrases in phrase_lists]
    by_grams = [store.gram_search(found, depth) if (found := query_grams(query)) else [] for query in queries]
    nearest = [
        # The embedded vectors know English alone: of scripts without spaces they would only add noise.
        [] if pairs and is_unspaced(query) else near
        for query, pairs, near in zip(queries, by_grams, store.nearest(vectors, depth), strict=True)
    ]
    return [*nearest, *by_words, *filter(None, by_grams)]


def _other_documents(passage: Passage, copies: Sequence[Passage]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.record_id for one in copies if one.record_id != passage.record_id))


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
