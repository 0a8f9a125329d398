"""Sentences on quotations that could not be verified: what a model wrote, and what the passages say instead."""

from __future__ import annotations

from agents.evidence.quotable_text import QuotableText
from contract.findings import Citation, Claim
from flows.report.document_name import document_name

UNVERIFIED_HEADING = "Not shown as an answer, because no quotation could be verified"


def unverified_lines(claim: Claim) -> list[str]:
    """Returns one line for each quotation of a claim that was not verified."""
    quotations = (*claim.unverified, *(one for one in claim.citations if one.status != "found"))
    return [_unverified(citation) for citation in quotations]


def _unverified(citation: Citation) -> str:
    quoted = f"not verified: “{citation.quote}”"
    if citation.status == "misattributed":
        return f"{quoted}, which stands in another document ({citation.found_in})"
    if nearest := citation.nearest:
        where = f"{document_name(nearest.title, nearest.record_id)}, {nearest.section}"
        if near := QuotableText(nearest.text).near_miss(citation.quote):
            why = "cut out of a word" if near.is_cut else "too short to prove anything"
            return f"{quoted}, which is {why}; in {where}: “{nearest.text}”"
        return f"{quoted}, which stands nowhere; nearest, in {where}: “{nearest.text}”"
    return f"{quoted}, which stands nowhere, and nothing like it"
