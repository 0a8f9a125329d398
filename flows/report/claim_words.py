"""The words of a sentence of an answer: none of its own, where it only says its quotation and the place of it."""

from __future__ import annotations

from contract.findings import Claim

_MOST_PLACE_CHARACTERS = 60
"""Longest text beside a document's title that can only be a place: its date and its section."""


def only_quotes(claim: Claim) -> bool:
    """Whether the sentence is its one quotation, with nothing before it but the document's title, date and section.

    Where it is, a reader is shown the quotation once, above its place.
    """
    if len(claim.citations) != 1:
        return False
    [citation] = claim.citations
    before, found, after = claim.text.strip().rpartition(citation.quote.strip())
    if not found or after.strip(" .”’\"'"):
        return False
    is_place = citation.title in before and len(before) <= len(citation.title) + _MOST_PLACE_CHARACTERS
    return not before.strip(" “‘\"'") or (is_place and before.rstrip(" “‘\"'").endswith(":"))
