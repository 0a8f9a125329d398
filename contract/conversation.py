"""A conversation: what was asked and answered before a question."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Annotated, Any, cast

from pydantic import BeforeValidator, Field, TypeAdapter

from contract.base import Frozen

MAX_TURNS = 20
"""The turns that a question is read with; earlier ones are left out."""


class Turn(Frozen):
    """One question of a conversation, as it was understood, and what was answered."""

    question: str
    sentences: tuple[str, ...] = ()
    """The sentences of the answer; empty where the corpus did not say."""
    sources: tuple[str, ...] = ()
    """The titles of the documents that the answer quotes, in its order."""


def _read_turns(value: Any) -> Any:
    """JSON as `turns_as_text` writes it; any other text is what a person says was answered before."""
    if not isinstance(value, str):
        return value
    text = value.strip()
    if not text:
        return ()
    try:
        found: Any = json.loads(text)
    except ValueError:
        found = None
    return cast("list[Any]", found) if isinstance(found, list) else [{"question": text}]


Turns = Annotated[tuple[Turn, ...], BeforeValidator(_read_turns), Field(max_length=MAX_TURNS)]
"""The turns of a conversation, the first one first. Text is read as JSON, else as one turn."""

_TURNS: TypeAdapter[tuple[Turn, ...]] = TypeAdapter(Turns)


def turns_as_text(turns: Sequence[Turn]) -> str:
    """The last `MAX_TURNS` turns as the text of a flow's parameter; empty for none."""
    return _TURNS.dump_json(tuple(turns[-MAX_TURNS:])).decode() if turns else ""


def last_sources(turns: Sequence[Turn]) -> tuple[str, ...]:
    """The titles of the documents of the last answer that quotes any; none where no answer does."""
    return next((turn.sources for turn in reversed(turns) if turn.sources), ())


_OPENING = re.compile(r"^\s*(?:and|but|so|then|also|what about|how about)\b[\s,:]*", re.IGNORECASE)


def opening_of(question: str) -> str:
    """The words with which a question goes on from another, such as `And `; empty where it has none."""
    return found[0] if (found := _OPENING.match(question)) else ""


def about_document(title: str, question: str) -> str:
    """The question with the document that it is about in front: `In "Nazi quote": what did it recommend there?`."""
    return f'In "{title}": {question[len(opening_of(question)) :] or question}'


class QuestionInContextDraft(Frozen):
    """The reply asked of a model that reads a question in its conversation."""

    understood: bool
    """False where what the question refers to is not clear."""
    unclear: str = Field(default="", max_length=300)
    """What is not clear, as a sentence; empty if understood."""
    question: str = Field(default="", max_length=2000)
    """The question in words that need no other; empty where it stays as it was asked."""


class QuestionInContext(Frozen):
    """A question as it is asked of the corpus."""

    question: str
    """Empty where nothing is searched before it is clear what is meant."""
    asked: str
    """As the person wrote it."""
    unclear: str = ""
    """What is not clear, where the question is asked as it was written, or not at all."""
    candidates: tuple[str, ...] = Field(default=(), exclude_if=lambda value: not value)
    """Titles of the documents that may be meant, where nothing is searched."""
