"""Finds false premises: questions that presuppose the opposite of what a document states.

A long document upholds one thing and overturns another, so a word anywhere in it decides nothing. What decides is the
sentence nearest in meaning, among those in which the same subject does what the question supposes, or the opposite.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from agents.llms.embedded.passages import PassageText
from agents.llms.embedded.similarity import Similarity

_OPPOSITES = (
    (r"uph(?:old|olds|eld|olding)|affirm(?:s|ed|ing)?", r"overturn(?:s|ed|ing)?|overrul(?:e|es|ed|ing)"),
    (r"accept(?:s|ed|ing)?|approv(?:e|es|ed|ing)", r"reject(?:s|ed|ing)?|refus(?:e|es|ed|ing)"),
    (r"agree(?:s|d|ing)?", r"disagree(?:s|d|ing)?"),
)
"""Patterns of verbs and of their opposites."""
_ASKS_FOR_REASONS = re.compile(
    r"^\W*(?:In \".*?\":\W*)?(?:(?:and|but|so|then)\s+)?"
    r"(?:why|how come|for what reason|on what grounds?|what (?:(?:was|were) the )?(?:reasons?|grounds?))\b",
    re.I,
)
"""A follow-up question may have the document that it is about in front."""
_STATES_A_REASON = re.compile(
    r"\b(?:because|since|due to|owing to|so that|in order to|therefore|thus|hence|given that|on the grounds?"
    r"|reason(?:s|ed|ing)?|justif\w+)\b",
    re.I,
)
_NEGATION = re.compile(r"\b(?:not|never|neither|nor|without|fail(?:s|ed)? to|declin(?:e|es|ed))\b|n['’]t\b", re.I)
_NO_STATEMENT = re.compile(
    r"\b(?:should|would|could|might|may|if|whether|asked|asks|urged|argued|claimed|wanted)\b", re.I
)
_SUBJECT = r"\b(?:did|does|do|has|have)\s+(?:the\s+)?(?P<subject>[\w\s'’]{1,40}?)\s+(?:have\s+)?(?:%s)\b"
_WORDS_BETWEEN = 4
"""Words that may stand between a subject and its verb, as in `the Board has unanimously overturned`."""


def asks_for_reasons(question: str) -> bool:
    """Whether the question asks why."""
    return _ASKS_FOR_REASONS.search(question) is not None


def states_a_reason(sentence: str) -> bool:
    """Whether the sentence has a word that joins a reason to what it is a reason for."""
    return _STATES_A_REASON.search(sentence) is not None


def contradiction(question: str, passages: Sequence[PassageText], similarity: Similarity) -> str | None:
    """The sentence of the document that states the opposite of what the question presupposes, or None.

    Only questions for reasons presuppose something; `did the Board uphold …?` does not.
    """
    if not asks_for_reasons(question) or _NEGATION.search(question):
        return None
    for own, other in (*_OPPOSITES, *((other, own) for own, other in _OPPOSITES)):
        if _mentions(question, own) and not _mentions(question, other):
            return _nearest_opposite(question, own, other, passages, similarity)
    return None


def _nearest_opposite(
    question: str, own: str, other: str, passages: Sequence[PassageText], similarity: Similarity
) -> str | None:
    subject = re.search(_SUBJECT % own, question, re.I)
    actor = (
        rf"\b{re.escape(subject['subject'].split()[-1])}\b(?:\s+[\w'’]+){{0,{_WORDS_BETWEEN}}}?\s+"
        if subject
        else r"\b"
    )
    statements = dict[str, bool]()
    for sentence in (sentence for passage in passages for sentence in passage.sentences):
        same, opposite = (_mentions(sentence, verb, actor) for verb in (own, other))
        if same != opposite and not _NEGATION.search(sentence) and not _NO_STATEMENT.search(sentence):
            statements[sentence] = opposite
    if not any(statements.values()):
        return None
    found = [*statements]
    title = passages[0].title
    cosines = similarity.text_cosines([question], [f"{title}. {sentence}" for sentence in found])[0]
    nearest = found[int(cosines.argmax())]
    return nearest if statements[nearest] else None


def _mentions(text: str, verb: str, before: str = r"\b") -> bool:
    return re.search(rf"{before}(?:{verb})\b", text, re.I) is not None
