"""A corpus or a question in a language that the vectors in the package do not know is told, with what to do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flows.compose.compose import compose
from flows.corpus.languages import language_of

GERMAN = (
    "Der Rat hat die Fähre im Frühjahr 1931 geschlossen, weil ihr Kessel gebrochen war und niemand die Reparatur "
    "bezahlen wollte. Die Bewohner der Insel schrieben einen Brief an den Minister, der ihnen jedoch nicht antwortete."
)
ENGLISH = "The council closed the ferry in the spring of 1931, because its boiler was broken and nobody would pay. " * 3


def _notes(flow: str, *settings: str) -> list[str]:
    [study] = compose([flow], settings)
    return [one for one in study.notices if "know English only" in one]


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("Warum wurde die Fähre geschlossen?", "German"),
        ("Was ist in den Akten?", "German"),
        ("¿Por qué cerró el consejo?", "Spanish"),
        ("灯塔的提案为什么被否决？", "Chinese"),
        ("Почему закрыли паром?", "Russian"),
        ("What did the Board decide about the Nazi quote?", None),
        ("Öcalan?", None),
        ("satire", None),
    ],
)
def test_a_question_in_another_language_is_told(question: str, language: str | None) -> None:
    notes = _notes("osb", f"query={question}")
    assert [f"the question is in {language}," in one for one in notes] == ([True] if language else [])
    assert all("`embedding:`" in one for one in notes)


def test_a_corpus_in_another_language_is_told(tmp_path: Path) -> None:
    for number, text in enumerate((GERMAN, GERMAN, ENGLISH)):
        (tmp_path / f"{number}.txt").write_text(text, encoding="utf-8")
    (note,) = _notes("zot", f"corpus={tmp_path}", "query=Why?")
    assert "of 3 documents looked at, 2 in German; the vectors in the package know English only" in note


def test_english_questions_are_taken_for_english_without_the_library() -> None:
    lines = Path("tests/data/osb_questions.jsonl").read_text(encoding="utf-8").splitlines()
    questions = [json.loads(line)["question"] for line in lines]
    assert [one for one in questions if language_of(one) not in (None, "en")] == []
