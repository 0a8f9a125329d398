"""Searches a store in several ways, and fuses the results into one list.

Each query searches twice, by words (full text, BM25) and by meaning (the cosine with the passages' vectors), and the
ranked lists of all queries are fused by reciprocal rank. What a query gives to the letter, a quotation or a case
number, is searched a third time as a phrase. Texts in scripts without spaces are searched by pairs of letters. Passages
with the same text take one place. `breadth` then decides how many places a document gets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic

from contract.findings import Passage
from flows.corpus.breadth import broad_selection, with_context
from flows.corpus.copies import Copies
from flows.corpus.grams import is_unspaced, query_grams
from flows.corpus.passage_store import PassageKey, SearchStore, Within
from flows.corpus.ranking import WORDS_WEIGHT, content_words, exact_phrases, fused_scores

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MEANING = "meaning"
RANK_DEPTH = 100
"""How many places of each ranked list count; beyond them a passage adds next to nothing to its fused score."""
_SIMILARITY_DIGITS = 2
"""Processors differ in the eighth digit. What is found is part of a cell's key, which is to be the same on all."""
_MAX_DEPTH = 6400
"""How deep a list is read that holds many copies."""


@dataclass(frozen=True)
class RankedList(Generic[PassageKey]):
    """What one way of searching found for one query, best first."""

    query: str
    way: str
    """`meaning`, `words`, `phrases` or `pairs of letters`."""
    keys: Sequence[PassageKey]

    @property
    def weight(self) -> float:
        """How much the list counts beside others."""
        return 1.0 if self.way == MEANING else WORDS_WEIGHT


def hybrid_search(
    store: SearchStore[PassageKey],
    queries: Sequence[str],
    vectors: NDArray[np.float32],
    limit: int,
    within: Within = None,
) -> list[Passage]:
    """At most `limit` passages for all queries together, best first; `vectors` holds one vector a query."""
    lists, copies = distinct_lists(store, queries, vectors, max(RANK_DEPTH, limit), within)
    scores = fused_scores([(one.keys, one.weight) for one in lists], copies.document)
    best = broad_selection(list(scores), copies.document, limit)
    if not best:
        return []
    taken = {copy for key in best for copy in copies.of(key)}
    siblings = [key for key in store.siblings(best[0]) if key not in taken]
    similarity = store.similarity([*best, *siblings], vectors)
    nearest = sorted(siblings, key=lambda key: -similarity.get(key, 0.0))
    chosen = with_context(best, nearest, copies.document, limit)
    found = store.passages(chosen)
    return [
        found[key].model_copy(
            update={
                "score": scores.get(key, 0.0),
                "similarity": round(similarity.get(key, 0.0), _SIMILARITY_DIGITS),
                "also_in": copies.other_documents(key),
            }
        )
        for key in chosen
        if key in found
    ]


def distinct_lists(
    store: SearchStore[PassageKey],
    queries: Sequence[str],
    vectors: NDArray[np.float32],
    wanted: int,
    within: Within = None,
) -> tuple[list[RankedList[PassageKey]], Copies[PassageKey]]:
    """The ranked lists without copies, each of `wanted` texts where there are as many; and the copies."""
    depth = wanted
    while True:
        full = _ranked_lists(store, queries, vectors, depth, within)
        copies = Copies(
            [one.keys for one in full], store.identities(list(dict.fromkeys(key for one in full for key in one.keys)))
        )
        distinct = [copies.distinct(one.keys) for one in full]
        is_deep = all(len(one.keys) < depth or len(short) >= wanted for one, short in zip(full, distinct, strict=True))
        if is_deep or depth >= _MAX_DEPTH:
            pairs = zip(full, distinct, strict=True)
            return [RankedList(one.query, one.way, short[:wanted]) for one, short in pairs], copies
        depth *= 4


def _ranked_lists(
    store: SearchStore[PassageKey],
    queries: Sequence[str],
    vectors: NDArray[np.float32],
    depth: int,
    within: Within,
) -> list[RankedList[PassageKey]]:
    lists = list[RankedList[PassageKey]]()
    for query, near in zip(queries, store.nearest(vectors, depth, within), strict=True):
        pairs = store.gram_search(found, depth, within) if (found := query_grams(query)) else []
        # The embedded vectors know English alone: of scripts without spaces they would only add noise.
        if not (pairs and is_unspaced(query)):
            lists.append(RankedList(query, MEANING, near))
        for way, phrases in (("words", content_words(query)), ("phrases", exact_phrases(query))):
            if phrases:
                lists.append(RankedList(query, way, store.full_text_search(phrases, depth, within)))
        if pairs:
            lists.append(RankedList(query, "pairs of letters", pairs))
    return lists
