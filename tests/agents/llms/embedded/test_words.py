"""Words of a passage: which are names, and that a long passage takes no longer for each of its words."""

from __future__ import annotations

import time

import pytest

from agents.llms.embedded.words import words


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Towns are near. Rivers flow by London and\nParis.", ["London", "Paris"]),
        ("“Towns said NATO? Rivers ( Alps", ["NATO", "Alps"]),
        ("\n Towns \t Rivers", ["Rivers"]),
    ],
)
def test_a_capital_within_a_sentence_is_a_name(text: str, names: list[str]) -> None:
    assert [word.text for word in words(text) if word.is_name] == names


def test_a_book_in_one_passage_is_read_at_once() -> None:
    book = "Some Words here of the Town. " * 60_000
    before = time.process_time()
    assert len(words(book)) == 120_000
    # Half a second; with a look back to the beginning at each word it was more than a minute.
    assert time.process_time() - before < 15
