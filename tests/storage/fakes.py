"""An embedder without a model: counts what it is given, and can be slow or die."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray


class CountingEmbedder:
    """Vectors of the words that a text holds; keeps count of the texts."""

    def __init__(self, *, fingerprint: str = "fake-1", die_after: int | None = None) -> None:
        self.fingerprint = fingerprint
        self.texts = 0
        self._die_after = die_after

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.texts += len(texts)
        if self._die_after is not None and self.texts > self._die_after:
            os.kill(os.getpid(), signal.SIGKILL)
        vectors = np.zeros((len(texts), 64), dtype=np.float32)
        for row, text in enumerate(texts):
            for word in text.lower().split():
                vectors[row, int(sha256(word.encode()).hexdigest(), 16) % 64] += 1
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
