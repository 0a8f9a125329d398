"""Quotations: verbatim or not shown."""

from __future__ import annotations

import hashlib
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.evidence.citations import MIN_QUOTE_CHARACTERS, QuotableText, check_answer, check_citation, find_quote
from contract.findings import Citation, Claim, Passage, ResearchAnswer


def passage(text: str, name: str = "a") -> Passage:
    return Passage(
        passage_id=f"{name}#text:0-{len(text)}", record_id=name, title=f"Title {name}", section="text", text=text,
        start=0, end=len(text), content_hash=hashlib.sha256(text.encode()).hexdigest(), date="2021-01-28",
    )  # fmt: skip


def citation(quote: str, of: Passage) -> Citation:
    return Citation(quote=quote, passage_id=of.passage_id, record_id="x", title="made up", section="x")


TEXT = "The Board’s “newsworthiness” allowance  should\nhave kept political protest speech up — it was cafe\u0301 talk."


@pytest.mark.parametrize(
    ("quote", "found"),
    [
        ("allowance should have kept", "allowance  should\nhave kept"),
        ('The Board\'s "newsworthiness" allowance', "The Board’s “newsworthiness” allowance"),
        ('"political protest speech"', "political protest speech"),
        ("...political protest speech up...", "political protest speech up"),
        ("speech up - it was café talk", "speech up — it was cafe\u0301 talk"),
        ("political pro\u2060test speech", "political protest speech"),
        ("political protest speech down", None),
        ("Political Protest Speech", None),
        ("allowance should not have kept", None),
        ("the", None),
        ("", None),
        ("protest ... talk", None),
    ],
)
def test_a_quotation_is_found_only_word_for_word(quote: str, found: str | None) -> None:
    assert find_quote(quote, TEXT) == found


@given(st.text(min_size=1, max_size=200), st.data())
def test_any_piece_of_a_text_is_found_in_it_and_shown_as_it_stands_there(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start, len(text)))
    found = find_quote(text[start:end], text)
    if found is not None:
        assert found in text
    # Cutting a letter from the marks that combine with it makes another letter.
    whole = all(i >= len(text) or not unicodedata.combining(text[i]) for i in (start, end))
    if whole and text[start:end].isascii() and text[start:end].isalnum() and end - start >= MIN_QUOTE_CHARACTERS:
        assert found is not None


def test_a_citation_takes_its_source_from_the_passage_and_not_from_the_model() -> None:
    source = passage("Nothing in the posts was sexual solicitation.")
    checked = check_citation(citation("Nothing in the posts was sexual solicitation", source), [source])
    assert (checked.status, checked.record_id, checked.title, checked.date) == ("found", "a", "Title a", "2021-01-28")


def test_words_of_another_passage_are_misattributed() -> None:
    first, second = passage("It was political rhetoric only."), passage("About 40 moderators had missed it.", "b")
    checked = check_citation(citation("About 40 moderators had missed it", first), [first, second])
    assert (checked.status, checked.found_in) == ("misattributed", second.passage_id)


def test_a_label_of_no_passage_is_not_found() -> None:
    source = passage("It was political rhetoric only.")
    unknown = citation("words that stand nowhere", source).model_copy(update={"passage_id": "P99"})
    assert check_citation(unknown, [source]).status == "not_found"


def test_claims_without_a_verified_quotation_are_dropped_and_kept_on_record() -> None:
    source = passage("It was political rhetoric only.")
    good = Claim(
        text="Rhetoric.", citations=(citation("political rhetoric only", source), citation("invented words", source))
    )
    bad = Claim(text="Invented.", citations=(citation("nobody ever said so", source),))
    checked = check_answer(ResearchAnswer(question="?", claims=(good, bad)), [source])
    assert [claim.text for claim in checked.claims] == ["Rhetoric."]
    assert [one.quote for one in checked.claims[0].citations] == ["political rhetoric only"]
    assert [claim.text for claim in checked.dropped] == ["Invented."]
    assert check_answer(checked, [source]) == checked


@pytest.mark.parametrize(
    ("quote", "text", "found"),
    [
        ("no", "They said no.", (10, 12)),
        ("No", "They said no.", None),
        ("the", "They said no.", None),
        ("said  no", "They said no.", (5, 12)),
        ("no", "They said no. " * 60, None),
        ("said no. They", "They said no. " * 60, (5, 18)),
        ("🐝", "Hello 🐝!", (6, 7)),
        ("", "They said no.", None),
        ("...", "They said no...", None),
    ],
)
def test_short_words_count_in_short_texts_only(quote: str, text: str, found: tuple[int, int] | None) -> None:
    assert QuotableText(text).find(quote) == found
