"""Similarity of texts and words in meaning, by MiniLM. Vectors that are needed again are kept."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING

from agents.llms.minilm import MiniLM

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_MAX_WORDS = 20_000
_MAX_RECORDS = 500


class Similarity:
    """Cosines between texts. Holds the loaded model and the vectors of at most 20,000 words and known texts,
    and of the last 500 records and passages."""

    def __init__(self, minilm: MiniLM | None = None) -> None:
        """Loads nothing before the first use."""
        self._minilm = minilm or MiniLM()
        self._words: dict[str, NDArray[np.float32]] = {}
        self._records: dict[tuple[str, ...], Future[NDArray[np.float32]]] = {}
        self._lock = Lock()

    @property
    def fingerprint(self) -> str:
        """Digest of the embedding model."""
        return self._minilm.fingerprint

    def text_cosines(self, one: Sequence[str], other: Sequence[str]) -> NDArray[np.float32]:
        """Cosines of every text of `one` with every text of `other`: [len(one), len(other)]."""
        vectors = self._minilm.embed([*one, *other])
        return vectors[: len(one)] @ vectors[len(one) :].T

    def cached_cosines(self, texts: Sequence[str], known: Sequence[str]) -> NDArray[np.float32]:
        """The same as `text_cosines`, but the vectors of both arguments are kept.

        `texts` are those of one record or passage, which other models use too. `known` are texts that recur often.
        """
        return self._record_vectors(tuple(texts)) @ self._word_vectors(known).T

    def word_cosines(self, one: Sequence[str], other: Sequence[str]) -> NDArray[np.float32]:
        """The same as `text_cosines` for single words, whose vectors are kept."""
        return self._word_vectors(one) @ self._word_vectors(other).T

    def _record_vectors(self, texts: tuple[str, ...]) -> NDArray[np.float32]:
        with self._lock:
            cached = self._records.get(texts)
            future = cached or Future()
            self._records[texts] = future
            if len(self._records) > _MAX_RECORDS:
                del self._records[next(iter(self._records))]
        if cached is None:
            try:
                future.set_result(self._minilm.embed(texts))
            except BaseException as error:
                with self._lock:
                    self._records.pop(texts, None)
                future.set_exception(error)
        return future.result()

    def _word_vectors(self, words: Sequence[str]) -> NDArray[np.float32]:
        import numpy as np

        if not words:
            return np.zeros((0, 384), dtype=np.float32)
        known = dict(self._words)
        unknown = list(dict.fromkeys(word for word in words if word not in known))
        known.update(zip(unknown, self._minilm.embed(unknown), strict=True))
        if len(known) <= _MAX_WORDS:
            # Replaced as a whole: another thread may be reading the old dictionary.
            self._words = known
        return np.stack([known[word] for word in words])


@cache
def shared_similarity() -> Similarity:
    """The one instance for all embedded models in this process, because they judge the same records."""
    return Similarity()
