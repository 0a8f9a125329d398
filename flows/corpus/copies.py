"""Passages with the same text: one of them takes a place in a result, and names the documents of the others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Generic

from flows.corpus.passage_store import PassageKey


class Copies(Generic[PassageKey]):
    """The passages of several ranked lists, grouped by their text."""

    def __init__(self, rankings: Sequence[Sequence[PassageKey]], hashes: Mapping[PassageKey, str]) -> None:
        """`hashes` are the digests of the passages' texts; a passage without one equals no other."""
        groups = defaultdict[str, list[PassageKey]](list)
        for key in dict.fromkeys(key for ranking in rankings for key in ranking):
            groups[hashes.get(key, f"only {key}")].append(key)
        self._groups = {key: group for group in groups.values() for key in group}

    def distinct(self, ranking: Sequence[PassageKey]) -> list[PassageKey]:
        """The ranking with one passage for each text, where the first of its copies stands."""
        return list(dict.fromkeys(self._groups[key][0] for key in ranking))

    def of(self, key: PassageKey) -> list[PassageKey]:
        """The passages with the text of this one, itself among them."""
        return self._groups.get(key, [key])
