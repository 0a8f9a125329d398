"""Likeness: how near texts and words are in meaning, by MiniLM; vectors of what comes back again are kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from agents.llms.minilm import MiniLM

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_MOST_WORDS = 20_000


class Likeness:
    """Cosines between texts. Holds the loaded model and the vectors of at most 20,000 words and known texts."""

    def __init__(self, minilm: MiniLM | None = None) -> None:
        """Loads nothing until it is asked."""
        self._minilm = minilm or MiniLM()
        self._words: dict[str, NDArray[np.float32]] = {}

    @property
    def fingerprint(self) -> str:
        """Digest of the embedding model."""
        return self._minilm.fingerprint

    def of_texts(self, one: Sequence[str], other: Sequence[str]) -> NDArray[np.float32]:
        """Cosines of every text of `one` with every text of `other`: [len(one), len(other)]."""
        vectors = self._minilm.embed([*one, *other])
        return vectors[: len(one)] @ vectors[len(one) :].T

    def of_known(self, texts: Sequence[str], known: Sequence[str]) -> NDArray[np.float32]:
        """The same as `of_texts`, for texts of which `known` come back again and again: their vectors are kept."""
        return self._minilm.embed(texts) @ self._vectors(known).T

    def of_words(self, one: Sequence[str], other: Sequence[str]) -> NDArray[np.float32]:
        """The same for single words."""
        return self._vectors(one) @ self._vectors(other).T

    def _vectors(self, words: Sequence[str]) -> NDArray[np.float32]:
        import numpy as np

        if not words:
            return np.zeros((0, 384), dtype=np.float32)
        known = dict(self._words)
        unknown = list(dict.fromkeys(word for word in words if word not in known))
        known.update(zip(unknown, self._minilm.embed(unknown), strict=True))
        if len(known) <= _MOST_WORDS:
            # Replaced whole: another thread may be reading the old one.
            self._words = known
        return np.stack([known[word] for word in words])
