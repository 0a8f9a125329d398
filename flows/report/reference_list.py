"""The references of an answer: where each quotation stands, and the reading list at the end."""

from __future__ import annotations

from contract.findings import MAIN_SECTION, Citation, CitedAnswer
from contract.references import Reference

REFERENCES_HEADING = "References"


def reference_text(reference: Reference) -> str:
    """The reference; one that no metadata say names the model that made it."""
    if reference.made_by is None:
        return reference.text
    return f"{reference.text} [made by {reference.made_by} from the first page, not from metadata; check it]"


def reference_lines(answer: CitedAnswer) -> list[str]:
    """The reading list, and which documents are not in it."""
    missing = [f"No reference: {answer.references_not_made}."] if answer.references_not_made else []
    return [*map(reference_text, answer.references), *missing]


def referenced_location(citation: Citation, answer: CitedAnswer) -> str | None:
    """The reference of the quotation's document with the page or section; None where there is no reference."""
    reference = answer.reference(citation.record_id)
    if reference is None:
        return None
    place = citation.locator or (citation.section if citation.section != MAIN_SECTION else None)
    text = reference_text(reference)
    return f"{text.removesuffix('.')}, {place}" if place else text
