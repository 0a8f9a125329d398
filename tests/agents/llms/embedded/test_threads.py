"""Threads of several cells use one embedded model at once: each gets what it gets alone."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from threading import Barrier
from typing import Any, TypeVar

import pytest
from snowballstemmer.english_stemmer import EnglishStemmer  # type: ignore[reportMissingTypeStubs]

from agents.llms.embedded import words
from agents.llms.embedded.model import Embedded
from agents.llms.embedded.similarity import Similarity
from agents.llms.minilm import MiniLM
from contract import models
from flows.corpus.index import CorpusIndex
from tests.agents.llms.embedded.requests import research

T = TypeVar("T")
THREADS = 4
QUESTIONS = (
    "Why was the Colombian police cartoon restored?",
    "What did the Board decide about hate speech on Roblox?",
    "When does the Board accept a slur in political speech?",
    "Why did the Board uphold the removal of the Colombian police cartoon?",
)


@pytest.fixture(autouse=True)
def threads_change_often() -> Generator[None]:
    """Python changes threads every few instructions, so that shared state is met half-changed."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def at_once(work: Callable[[int], T]) -> list[T]:
    """What `work` returns in each of the threads, which start together."""
    barrier = Barrier(THREADS)

    def started_together(number: int) -> T:
        barrier.wait()
        return work(number)

    with ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(started_together, range(THREADS)))


def test_stems_are_those_of_one_thread() -> None:
    beginnings, endings = ("conflat", "grat", "hop", "rel", "sens"), ("ing", "ation", "ational", "fulness", "ibilities")
    made = [f"{one}{two}{end}" for one, two, end in product(beginnings, beginnings, endings)]
    new_stemmer: Any = EnglishStemmer
    right: dict[str, str] = {word: new_stemmer().stemWord(word) for word in made}
    wrong = dict[str, str]()
    for _ in range(5):
        words.stem.cache_clear()
        for found in at_once(lambda number: {word: words.stem(word) for word in made[number:] + made[:number]}):
            wrong |= {word: stem for word, stem in found.items() if stem != right[word]}
        # What was cached is what every later question gets.
        wrong |= {word: words.stem(word) for word in made if words.stem(word) != right[word]}
    assert wrong == {}


def test_vectors_are_those_of_one_thread() -> None:
    minilm = MiniLM(threads=1)
    texts = [f"The Board {verb} the {noun}." for verb, noun in product(("upheld", "read"), ("post", "cartoon", "song"))]
    right = minilm.embed(texts)
    similarity = Similarity(minilm)
    vocabulary = sorted({word for text in texts for word in text.split()})

    def work(number: int) -> tuple[Sequence[object], ...]:
        mine = vocabulary[number:] + vocabulary[:number]
        return (minilm.embed(texts).tolist(), similarity.word_cosines(mine, mine).diagonal().round(4).tolist())

    for vectors, of_the_same_words in at_once(work):
        assert vectors == right.tolist()
        assert of_the_same_words == [1.0] * len(vocabulary)


async def test_answers_are_those_of_one_thread(osb_index: CorpusIndex) -> None:
    found = [await osb_index.search([question], 6) for question in QUESTIONS]
    alone = Embedded("demo", models.EmbeddedModel(), Similarity())
    right = [await research(alone, question, passages) for question, passages in zip(QUESTIONS, found, strict=True)]
    words.stem.cache_clear()
    shared = Embedded("demo", models.EmbeddedModel(), Similarity())
    searched = await asyncio.gather(*(osb_index.search([question], 6) for question in QUESTIONS))
    asked = await asyncio.gather(*(research(shared, q, passages) for q, passages in zip(QUESTIONS, found, strict=True)))
    assert list(searched) == found
    assert list(asked) == right
