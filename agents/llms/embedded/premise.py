"""Finds false premises: questions that presuppose the opposite of what a document states."""

from __future__ import annotations

import re
from collections.abc import Sequence

from agents.llms.embedded.passages import PassageText
from agents.llms.embedded.sentences import sentences

_OPPOSITES = (("uphold", "upholds", "upheld"), ("overturn", "overturns", "overturned"))
_ASKS_FOR_REASONS = re.compile(
    r"^\W*(?:why|how come|for what reason|on what grounds?|what (?:reasons?|grounds?))\b", re.I
)


def contradiction(question: str, passages: Sequence[PassageText]) -> str | None:
    """The sentence of the document that states the opposite of what the question presupposes, or None.

    Only questions for reasons presuppose something; `did the Board uphold …?` does not.
    """
    if not _ASKS_FOR_REASONS.search(question):
        return None
    supposed = [_mentions(question, side) for side in _OPPOSITES]
    if all(supposed) or not any(supposed):
        return None
    own, other = _OPPOSITES if supposed[0] else _OPPOSITES[::-1]
    document_sentences = [sentence for passage in passages for sentence in sentences(passage.text)]
    if any(_mentions(sentence, own) for sentence in document_sentences):
        return None
    return next((sentence for sentence in document_sentences if _mentions(sentence, other)), None)


def _mentions(text: str, forms: Sequence[str]) -> bool:
    return re.search(rf"\b(?:{'|'.join(forms)})\b", text, re.I) is not None
