"""Similarity: what several judges of a record ask for at once is computed once."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest
from numpy.typing import NDArray

from agents.llms.embedded.similarity import Similarity
from agents.llms.minilm import MiniLM

RECORD, KNOWN = ["Rain fell.", "Then snow."], ["It rained.", "It was dry."]


class CountingMiniLM(MiniLM):
    """Counts how often each text is embedded; the first `failures` calls fail."""

    def __init__(self, failures: int = 0) -> None:
        super().__init__()
        self.seen = list[str]()
        self.failures = failures

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.seen += texts
        if self.failures:
            self.failures -= 1
            raise MemoryError
        return super().embed(texts)


def test_a_record_is_embedded_once_for_all_its_judges() -> None:
    minilm, barrier = CountingMiniLM(), Barrier(8)
    similarity = Similarity(minilm)

    def judge(_: int) -> NDArray[np.float32]:
        barrier.wait()
        return similarity.cached_cosines(RECORD, KNOWN)

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(judge, range(8)))
    assert [minilm.seen.count(text) for text in RECORD] == [1, 1]
    assert all((one == found[0]).all() for one in found)
    assert found[0] == pytest.approx(similarity.text_cosines(RECORD, KNOWN), abs=0.02)


def test_a_record_that_failed_is_embedded_again() -> None:
    similarity = Similarity(CountingMiniLM(failures=1))
    with pytest.raises(MemoryError):
        similarity.cached_cosines(RECORD, KNOWN)
    assert similarity.cached_cosines(RECORD, KNOWN).shape == (2, 2)
