"""Why a quotation of a person cannot be kept, in words for that person."""

from __future__ import annotations

from agents.evidence.quotable_text import MIN_QUOTE_CHARACTERS
from agents.evidence.record_quotes import RecordTexts

_SHOWN = 100


def quote_problem(texts: RecordTexts, quote: str) -> str:
    """Why the quotation was not found in the record.

    Words that stand there may still be none to quote: a part of a word may say the opposite of it, and a few letters
    stand in a long text by chance.
    """
    near, shown = texts.near_miss(quote), quote[:_SHOWN]
    if near is None:
        return f"these words do not stand in the record: “{shown}”"
    if near.is_cut:
        return f"“{shown}” stands in the record, but cuts a word; the whole words are “{near.words[: 2 * _SHOWN]}”"
    return f"“{shown}” is too short to be looked up in a long text; quote at least {MIN_QUOTE_CHARACTERS} characters"
