"""Explains a search: what each way of searching ranked, and what the result was made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from contract.findings import Passage
from flows.corpus.hybrid_search import RANK_DEPTH, distinct_lists, hybrid_search
from flows.corpus.passage_store import PassageKey, SearchStore, Within

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class WayOfSearching:
    """The best passages by one way of searching for one query."""

    query: str
    way: str
    """`meaning`, `words`, `phrases` or `pairs of letters`."""
    weight: float
    """How much its ranks count in the result."""
    passages: Sequence[Passage]


@dataclass(frozen=True)
class Explanation:
    """The ways of searching, and the result of a search."""

    ways: Sequence[WayOfSearching]
    result: Sequence[Passage]

    def ranks(self, passage: Passage) -> list[tuple[WayOfSearching, int]]:
        """The places of the passage, from 1, in the ways that ranked it among their best."""
        ids = ((way, [one.passage_id for one in way.passages]) for way in self.ways)
        return [(way, found.index(passage.passage_id) + 1) for way, found in ids if passage.passage_id in found]


def explain_search(
    store: SearchStore[PassageKey],
    queries: Sequence[str],
    vectors: NDArray[np.float32],
    limit: int,
    within: Within = None,
) -> Explanation:
    """The first `limit` of each way of searching, and the result of a search with that limit."""
    lists, _ = distinct_lists(store, queries, vectors, max(RANK_DEPTH, limit), within)
    passages = store.passages(list(dict.fromkeys(key for one in lists for key in one.keys[:limit])))
    ways = [
        WayOfSearching(one.query, one.way, one.weight, [passages[key] for key in one.keys[:limit] if key in passages])
        for one in lists
    ]
    return Explanation(ways, hybrid_search(store, queries, vectors, limit, within))
