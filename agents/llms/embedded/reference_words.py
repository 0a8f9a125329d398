"""Reads a follow-up question by its words: to which document of the last answer it refers, or that this is not clear.

The model composes nothing. It names the document in front of the question, as in `In "Nazi quote": what did the Board
recommend?`, where the last answer quotes only one; where it quotes several, it asks which.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from agents.llms.embedded.relevance import asked_words
from agents.llms.embedded.words import stems, words
from contract.conversation import QuestionInContextDraft, Turn, about_document, last_sources, opening_of

_REFERRING = re.compile(
    r"\b(it|its|there|this|that|these|those|they|them|their|he|him|his|she|her|here"
    r"|the (?:same )?(?:case|decision|post))\b",
    re.IGNORECASE,
)
_CONJUNCTION_THAT = re.compile(
    r"\b(?:say|says|said|find|finds|found|hold|holds|held|argue|argues|mean|means|so|such|show|shows|believe|decide)\s+that\b"
    r"|\b(?:is|are|was|were)\s+there\b|\bthere\s+(?:is|are|was|were)\b|\b(?:is|was)\s+it\s+\w+\s+(?:to|that|when|if)\b",
    re.IGNORECASE,
)
_MAX_NAMED = 4


def read_in_context(material: Mapping[str, Any]) -> QuestionInContextDraft:
    """The question with the document that it refers to; no other words, where it refers to nothing."""
    question = str(material["question"]).strip()
    turns = [Turn.model_validate(turn) for turn in material["earlier"]]
    sources = last_sources(turns)
    if not _refers(question) or any(title.casefold() in question.casefold() for title in sources):
        return QuestionInContextDraft(understood=True)
    if len(sources) == 1:
        return QuestionInContextDraft(understood=True, question=about_document(sources[0], question))
    unclear = _why_unclear(question, sources)
    # With words of its own it is asked as it stands.
    return QuestionInContextDraft(
        understood=False, unclear=unclear, question=question if _says_something_else(question, turns) else ""
    )


def refers_to_nothing(question: str) -> str | None:
    """That a question which goes on from another was asked as the first; None for a question by itself."""
    found = _REFERRING.search(_CONJUNCTION_THAT.sub(" ", question)) if opening_of(question) else None
    return f"what “{found[0]}” refers to: nothing was asked before" if found else None


def _says_something_else(question: str, turns: Sequence[Turn]) -> bool:
    """Whether a word of the question tells what it is about: no word that any question may have, and none of before."""
    plain = _REFERRING.sub(" ", _CONJUNCTION_THAT.sub(" ", question))
    asked = {word.stem for word in asked_words(plain[len(opening_of(plain)) :])}
    before = [text for turn in turns for text in (turn.question, *turn.sentences)]
    titles = set[str]().union(*(stems(title) for turn in turns for title in turn.sources))
    return bool(asked & titles or asked - stems(" ".join(before)))


def _refers(question: str) -> bool:
    """Whether the question has an opening or a word that points back; a name in it may still be all that it means."""
    plain = _CONJUNCTION_THAT.sub(" ", question)
    if _REFERRING.search(plain):
        return True
    if not asked_words(question) and any(letter.isalpha() for letter in question):
        # "Why?", "How so?" ask of what was said.
        return True
    opening = opening_of(question)
    # "What about Zwarte Piet?" asks about what it names.
    return bool(opening) and not any(word.is_name for word in words(question[len(opening) :]))


def _why_unclear(question: str, sources: Sequence[str]) -> str:
    found = _REFERRING.search(_CONJUNCTION_THAT.sub(" ", question))
    what = f"“{found[0]}”" if found else "the question"
    if not sources:
        return f"Nothing was quoted before that {what} could refer to."
    named = ", ".join(f"“{title[:60]}”" for title in sources[:_MAX_NAMED])
    more = f" and {len(sources) - _MAX_NAMED} more" if len(sources) > _MAX_NAMED else ""
    return f"It is not clear which document {what} refers to: {named}{more}."[:300]
