"""Passages are verbatim stretches of their sections, whatever the text."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from contract.record import Record
from flows.corpus.chunk import Chunking, chunk_record, index_hash

_TEXT = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), min_size=1, max_size=800).filter(
    lambda text: bool(text.strip())
)


@given(text=_TEXT, facts=_TEXT, characters=st.integers(200, 400), overlap=st.integers(0, 300))
def test_every_passage_is_verbatim(text: str, facts: str, characters: int, overlap: int) -> None:
    record = Record(record_id="r", text=text, sections={"facts": facts})
    chunking = Chunking(characters, overlap)
    found = list(chunk_record(record, chunking))
    for passage in found:
        section = text if passage.section == "text" else facts
        assert passage.text == section[passage.start : passage.end]
        assert passage.text.strip()
        assert len(passage.text) <= characters
        assert passage.passage_id == f"r#{passage.section}:{passage.start}-{passage.end}"
    assert {passage.section for passage in found} == {"text", "facts"}
    assert found == list(chunk_record(record, chunking))


@given(text=_TEXT)
def test_no_word_is_lost(text: str) -> None:
    covered = {
        place
        for passage in chunk_record(Record(record_id="r", text=text), Chunking(200, 0))
        for place in range(passage.start, passage.end)
    }
    assert all(character.isspace() for place, character in enumerate(text) if place not in covered)


def test_cuts_fall_between_sentences() -> None:
    text = " ".join(f"This is sentence number {number} of the text." for number in range(100))
    found = list(chunk_record(Record(record_id="r", text=text), Chunking(300, 60)))
    assert len(found) > 10
    assert all(passage.text.startswith("This") and passage.text.endswith(".") for passage in found)
    assert all(later.start < earlier.end for earlier, later in pairwise(found))


def test_cuts_fall_between_sentences_whose_lines_end_anywhere_and_between_items_of_lists() -> None:
    sentence = "The commissioners con-\nsidered the letter of\nCaptain Ross, number {} of\n1931, and postponed it."
    text = "\n".join(sentence.format(number) for number in range(100))
    found = list(chunk_record(Record(record_id="r", text=text), Chunking(300, 0)))
    assert all(passage.text.startswith("The com") and passage.text.endswith("postponed it.") for passage in found)
    assert all(passage.text == text[passage.start : passage.end] for passage in found)
    items = "\n".join(f"{number}. a letter of Captain Ross to somebody else" for number in range(100))
    cut = list(chunk_record(Record(record_id="r", text=items), Chunking(300, 0)))
    assert all(passage.text.endswith("else") for passage in cut)


def test_a_record_that_is_cut_otherwise_than_before_has_another_hash() -> None:
    same = Record(record_id="r", text="One sentence.\nAnother one.", sections={"a": "- an item\n- another"})
    assert index_hash(same) == same.fingerprint
    other = same.model_copy(update={"sections": {"a": "A sentence that goes\non."}})
    assert index_hash(other) != other.fingerprint


def test_sections_and_date() -> None:
    record = Record(
        record_id="r", text="T", sections={"a": "A", "b": "B", "text": "own"}, metadata={"published": "2020"}
    )
    assert [passage.section for passage in chunk_record(record, Chunking(sections=("b", "a", "none")))] == ["b", "a"]
    every = list(chunk_record(record, Chunking()))
    assert [(passage.section, passage.text) for passage in every] == [
        ("main text", "T"), ("a", "A"), ("b", "B"), ("text", "own"),
    ]  # fmt: skip
    assert every[0].date == "2020"
