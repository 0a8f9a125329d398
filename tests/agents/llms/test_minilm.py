"""MiniLM: like texts have near vectors, and a text's vector is the same alone and in a batch."""

from __future__ import annotations

import numpy as np
import pytest

from agents.llms.minilm import DIMENSIONS, MiniLM


@pytest.fixture(scope="module")
def minilm() -> MiniLM:
    return MiniLM()


def test_like_sentences_are_near(minilm: MiniLM) -> None:
    vectors = minilm.embed(["The police beat a man.", "Officers hit a person.", "Bake the bread for an hour.", ""])
    assert vectors.shape == (4, DIMENSIONS)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert vectors[0] @ vectors[1] > 0.5
    assert vectors[0] @ vectors[2] < 0.2


def test_a_vector_does_not_depend_on_its_batch(minilm: MiniLM) -> None:
    texts = ["short", "a much longer text than the first " * 40, "another"]
    batched = minilm.embed(texts)
    single = np.vstack([minilm.embed([text]) for text in texts])
    assert ((batched * single).sum(axis=1) > 0.999).all()


def test_long_texts_are_cut_and_an_empty_batch_is_allowed(minilm: MiniLM) -> None:
    start = "one two three four five " * 60
    assert (minilm.embed([start])[0] @ minilm.embed([start + "unrelated ending " * 500])[0]) > 0.999
    assert minilm.embed([]).shape == (0, DIMENSIONS)


def test_fingerprint_is_stable() -> None:
    assert MiniLM().fingerprint == MiniLM(batch_tokens=8, threads=1).fingerprint
