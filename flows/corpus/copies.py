"""Passages with the same text: one of them takes a place in a result, and names the documents of the others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Generic

from flows.corpus.passage_store import PassageIdentity, PassageKey


class Copies(Generic[PassageKey]):
    """The passages of several ranked lists, grouped by their text."""

    def __init__(
        self, rankings: Sequence[Sequence[PassageKey]], identities: Mapping[PassageKey, PassageIdentity]
    ) -> None:
        """A passage without an identity, which another process has removed meanwhile, equals no other."""
        self._identities = identities
        groups = defaultdict[str, list[PassageKey]](list)
        for key in dict.fromkeys(key for ranking in rankings for key in ranking):
            groups[identities[key].content_hash if key in identities else f"only {key}"].append(key)
        self._groups = {key: group for group in groups.values() for key in group}

    def distinct(self, ranking: Sequence[PassageKey]) -> list[PassageKey]:
        """The ranking with one passage for each text, where the first of its copies stands."""
        return list(dict.fromkeys(self._groups[key][0] for key in ranking))

    def of(self, key: PassageKey) -> list[PassageKey]:
        """The passages with the text of this one, itself among them."""
        return self._groups.get(key, [key])

    def document(self, key: PassageKey) -> str:
        """The id of the passage's document."""
        return self._identities[key].record_id if key in self._identities else ""

    def other_documents(self, key: PassageKey) -> tuple[str, ...]:
        """The ids of other documents that hold the passage's text."""
        own = self.document(key)
        return tuple(dict.fromkeys(other for one in self.of(key) if (other := self.document(one)) not in ("", own)))
