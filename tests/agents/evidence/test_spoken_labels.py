"""Labels in sentences: the reader sees names, and what only looks like a label stays."""

from __future__ import annotations

import pytest

from agents.evidence.spoken_labels import SpokenLabels
from contract.findings import Passage, ResearchAnswer


def _passage(record: str, title: str, section: str = "text", start: int = 0, text: str = "Some words.") -> Passage:
    return Passage(
        passage_id=f"{record}#{section}:{start}-{start + 9}", record_id=record, title=title, section=section,
        text=text, start=start, end=start + 9, content_hash="x",
    )  # fmt: skip


PASSAGES = [
    _passage("a", "Slur in Colombia"),
    _passage("b", "Iran slogan", "facts"),
    _passage("b", "Iran slogan", "reasons"),
    _passage("b", "Iran slogan", "reasons", 500),
    _passage("c", "Summits", text="The P5 agreed, and passage 3 of the treaty says so."),
]
ANSWERS = [
    ResearchAnswer(question="?", model="ann"),
    ResearchAnswer(question="?", model="bob"),
    ResearchAnswer(question="?", model="bob", repeat=1),
]


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("The decision in P1 and P2 allows it.", "The decision in “Slur in Colombia” and “Iran slogan” allows it."),
        ("P2 and P3 part.", "“Iran slogan” (facts) and “Iran slogan” (reasons) part."),
        ("P3 differs from P4.", "“Iran slogan” (b#reasons:0-9) differs from “Iran slogan” (b#reasons:500-509)."),
        ("P2 says so, and P2 is right.", "“Iran slogan” says so, and “Iran slogan” is right."),
        ("So it is [P1].", "So it is [“Slur in Colombia”]."),
        ("So it is (P1, P2).", "So it is (“Slur in Colombia”, “Iran slogan”)."),
        ("Both (P1/P2) say so", "Both (“Slur in Colombia”/“Iran slogan”) say so"),
        ("P1's rule", "“Slur in Colombia”'s rule"),
        ("Passage P1 allows it", "“Slur in Colombia” allows it"),
        ("as passage 1 says", "as “Slur in Colombia” says"),
        ("Laut P01 ist es erlaubt", "Laut “Slur in Colombia” ist es erlaubt"),
        ("P1–P2 allow it", "“Slur in Colombia”, “Iran slogan” allow it"),
        ("P2 fbea96f336aa says so", "“Iran slogan” says so"),
        ("A1 says no, A2 and answer A3 yes", "ann says no, bob (repeat 1) and bob (repeat 2) yes"),
        *(
            (same, same)
            for same in (
                "The P5 voted.", "as passage 3 says", "P99 says so", "P0", "the P1+1 states", "P1.5", "P1-based",
                "a P2P network", "p. 1 and p1", "GP1", "The Board upheld it.", "A4 paper", "P1000000",
            )
        ),
    ],
)  # fmt: skip
def test_a_sentence_names_documents_and_models(said: str, shown: str) -> None:
    assert SpokenLabels("What?", PASSAGES, ANSWERS).named(said, 600) == shown


def test_letters_of_the_question_are_no_label() -> None:
    assert SpokenLabels("Is P1 a visa?", PASSAGES).named("P1 is a visa, P2 says.", 600) == (
        "P1 is a visa, “Iran slogan” says."
    )


def test_a_sentence_stays_within_its_length() -> None:
    long = [_passage("a", "T" * 500), _passage("b", "U" * 500)]
    assert SpokenLabels("?", long).named("P1 and P2", 600) == "“a” and “b”"
    assert SpokenLabels("?", long).named("P1 and P2", 10) == "P1 and P2"


def test_two_documents_of_one_title_are_told_apart() -> None:
    same = [_passage("a", "Letter"), _passage("b", "Letter")]
    assert SpokenLabels("?", same).named("P1, unlike P2", 600) == "“Letter” (a#text:0-9), unlike “Letter” (b#text:0-9)"
