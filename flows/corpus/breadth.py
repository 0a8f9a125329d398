"""Gives a result breadth: how many of its places a document gets, and which passages only give context."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TypeVar

Key = TypeVar("Key")

PASSAGES_EACH = 2
"""Places of a document, as long as other documents have passages that were found."""
CONTEXT_SHARE = 4
"""At most one place in so many is given to context, which are further passages of the first document."""


def broad_selection(ranked: Sequence[Key], document: Callable[[Key], str], limit: int) -> list[Key]:
    """The first `limit` of the ranking with at most `PASSAGES_EACH` for a document; where too few remain, the others
    follow in their order.
    """
    seen = Counter[str]()
    first, others = list[Key](), list[Key]()
    for key in ranked:
        name = document(key)
        (first if seen[name] < PASSAGES_EACH else others).append(key)
        seen[name] += 1
    return [*first, *others][:limit]


def with_context(best: Sequence[Key], siblings: Sequence[Key], document: Callable[[Key], str], limit: int) -> list[Key]:
    """The best passages and then siblings: further passages of the first document, nearest to the question first.

    Where there is no place left, siblings take those of the last second passages of other documents, so that no
    document gives way to context. They are there because the reasons of a decision seldom repeat the names that its
    facts introduce, so a search for the names alone does not find them.
    """
    wanted = min(len(siblings), limit // CONTEXT_SHARE)
    first_passages = {document(key): key for key in reversed(best)}
    others = [key for key in best if first_passages[document(key)] != key and document(key) != document(best[0])]
    dropped = set(others[len(others) - max(0, min(len(others), wanted - (limit - len(best)))) :])
    kept = [key for key in best if key not in dropped]
    return [*kept, *siblings[: min(wanted, limit - len(kept))]]
