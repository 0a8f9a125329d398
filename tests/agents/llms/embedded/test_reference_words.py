"""How the embedded model reads a question that follows others."""

from __future__ import annotations

from typing import Any

import pytest

from agents.llms.embedded.reference_words import read_in_context

ONE = {"question": "What of the Nazi quote?", "sentences": ("It was restored.",), "sources": ("Nazi quote",)}
TWO = {
    "question": "When is a slur allowed?",
    "sentences": ("Sometimes.",),
    "sources": ("Zwarte Piet", "South Africa slurs"),
}
NONE = {"question": "What about soup?"}


def read(question: str, *turns: dict[str, Any]) -> tuple[bool, str, str]:
    found = read_in_context({"question": question, "earlier": turns})
    return found.understood, found.question, found.unclear


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("And what did it recommend there?", 'In "Nazi quote": what did it recommend there?'),
        ("What were the reasons for that decision?", 'In "Nazi quote": What were the reasons for that decision?'),
        ("Did they split?", 'In "Nazi quote": Did they split?'),
        ("What about the user?", 'In "Nazi quote": the user?'),
        ("Why?", 'In "Nazi quote": Why?'),
        ("How so?", 'In "Nazi quote": How so?'),
    ],
)
def test_a_reference_is_the_only_document_that_was_quoted(question: str, expected: str) -> None:
    assert read(question, ONE) == (True, expected, "")
    # The last answer that quotes something counts.
    assert read(question, TWO, ONE, NONE) == (True, expected, "")


@pytest.mark.parametrize(
    "question",
    [
        "When is satire protected?",
        "Does the Board say that satire is protected?",
        "Is there a case on satire?",
        "When is it lawful to remove satire?",
        "And what about Zwarte Piet?",
    ],
)
def test_a_question_that_stands_alone_stays_as_it_is(question: str) -> None:
    assert read(question, ONE) == (True, "", "")


def test_what_could_be_several_documents_is_not_guessed() -> None:
    understood, question, unclear = read("And what did it recommend there?", ONE, TWO)
    assert (understood, question) == (False, "")
    assert unclear == "It is not clear which document “it” refers to: “Zwarte Piet”, “South Africa slurs”."
    assert read("Why?", TWO)[2].startswith("It is not clear which document the question refers to:")
    assert read("Why was it removed?", NONE)[2] == "Nothing was quoted before that “it” could refer to."


@pytest.mark.parametrize(
    "question",
    ["Why was nudity removed there?", "Does that hold for satire?", "And what about the slurs?", "What about nudity?"],
)
def test_what_says_enough_by_itself_is_asked_as_it_stands(question: str) -> None:
    understood, asked, unclear = read(question, TWO)
    assert (understood, asked) == (False, question) and unclear.startswith("It is not clear which document")


def test_a_document_that_is_named_is_clear() -> None:
    assert read('In "Zwarte Piet": what did it recommend there?', ONE, TWO) == (True, "", "")
