"""An embedder without a model that counts its texts and can kill its process; and a check that every index passes."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contract.storage import CorpusStorage, VectorStorage
from flows.corpus.index import CorpusIndex, open_corpus


class CountingEmbedder:
    """Makes vectors from the words of a text and counts the texts; kills its process after `kill_after` of them."""

    def __init__(self, *, fingerprint: str = "fake-1", kill_after: int | None = None) -> None:
        self.fingerprint = fingerprint
        self.texts = 0
        self._kill_after = kill_after

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.texts += len(texts)
        if self._kill_after is not None and self.texts > self._kill_after:
            os.kill(os.getpid(), signal.SIGKILL)
        vectors = np.zeros((len(texts), 64), dtype=np.float32)
        for row, text in enumerate(texts):
            for word in text.lower().split():
                vectors[row, int(sha256(word.encode()).hexdigest(), 16) % 64] += 1
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


def open_counting(
    config: CorpusStorage | VectorStorage, folder: Path, fingerprint: str = "fake-1"
) -> tuple[CorpusIndex, int]:
    """Opens the corpus; returns its index and how many texts were embedded for it."""
    embedder = CountingEmbedder(fingerprint=fingerprint)
    return open_corpus(config, folder, embedder=embedder), embedder.texts


def make_records(count: int) -> list[dict[str, Any]]:
    """That many records, each of one passage."""
    return [
        {"id": f"r{number}", "title": f"Title {number}", "text": f"Number {number} is odd."} for number in range(count)
    ]


async def check_embeds_only_changes(open_index: Callable[[list[dict[str, Any]]], tuple[CorpusIndex, int]]) -> None:
    """Checks that `open_index`, which indexes records and returns how many texts it embedded, embeds only changes."""
    rows = make_records(300)
    first, embedded = open_index(rows)
    assert embedded == 300
    assert open_index(rows)[1] == 0

    rows[5] = {**rows[5], "text": "Something quite different about zebras too."}
    changed = [*rows[:100], *rows[101:], {"id": "new", "text": "A newcomer."}]
    second, embedded = open_index(changed)
    assert embedded == 2
    assert second.counts() == (300, 300)
    assert second.fingerprint != first.fingerprint
    assert (await second.search(["zebras"], 1))[0].record_id == "r5"
    assert not [passage for passage in await second.search(["Number 100"], 300) if passage.record_id == "r100"]
    assert "r100" not in {item.record_id for item in await second.sources()}

    assert open_index(make_records(300))[0].fingerprint == first.fingerprint
