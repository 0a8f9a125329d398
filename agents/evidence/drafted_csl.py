"""CSL data of what a model read at the beginning of a document: only what stands there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from agents.evidence.quotable_text import QuotableText
from contract.references import ReferenceDraft

_YEAR = re.compile(r"(1[0-9]|20)\d\d")
_FIELDS = {
    "container": "container-title",
    "volume": "volume",
    "issue": "issue",
    "pages": "page",
    "publisher": "publisher",
    "doi": "DOI",
}


def csl_of_draft(draft: ReferenceDraft, beginning: str) -> dict[str, Any]:
    """The draft as CSL data; empty where not even the title stands in the beginning of the document.

    A reference with an invented author or year would be worse than none.
    """
    text = QuotableText(beginning)
    if not draft.title.strip() or text.find(draft.title) is None:
        return {}
    found: dict[str, Any] = {"type": draft.type, "title": " ".join(draft.title.split())}
    if authors := [*_authors(draft, text)]:
        found["author"] = authors
    year = _YEAR.search(draft.year)
    if year and year[0] in beginning:
        found["issued"] = {"date-parts": [[int(year[0])]]}
    for field, name in _FIELDS.items():
        value = getattr(draft, field).strip()
        if value and _stands_in(value, beginning, text):
            found[name] = value
    return found


def _authors(draft: ReferenceDraft, text: QuotableText) -> Iterator[dict[str, str]]:
    for author in draft.authors:
        if author.family.strip() and text.find(author.family):
            given = author.given.strip()
            yield {"family": author.family.strip(), **({"given": given} if given and text.find(given) else {})}


def _stands_in(value: str, beginning: str, text: QuotableText) -> bool:
    """Whether a value stands there: a number or a DOI letter by letter, words as quotations do."""
    return value in beginning or text.find(value) is not None
