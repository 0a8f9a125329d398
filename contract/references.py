"""References: how a reading list names the documents that an answer cites."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from contract.base import Frozen

_Name = Annotated[str, StringConstraints(max_length=200)]


class Reference(Frozen):
    """The reference of one document."""

    record_id: str
    text: str
    """In the style of the American Psychological Association, 7th edition, as plain text."""
    made_by: str | None = None
    """The model that read the document's beginning for it; None where the document's own metadata say it."""


class References(Frozen):
    """The references of the documents that an answer cites, in alphabetical order."""

    references: tuple[Reference, ...] = ()
    not_made: str | None = None
    """Which documents have none, and why; None where all have."""


# --- what models are asked to write ---


class AuthorDraft(Frozen):
    """One person, as the document names them."""

    family: _Name
    given: _Name = ""


class ReferenceDraft(Frozen):
    """What the beginning of one document says about it. What it does not say stays empty."""

    document: str
    """The label of the document, for example D2."""
    type: Literal["article-journal", "book", "chapter", "paper-conference", "report", "thesis", "webpage", "document"]
    authors: tuple[AuthorDraft, ...] = Field(default=(), max_length=40)
    title: Annotated[str, StringConstraints(max_length=600)]
    year: Annotated[str, StringConstraints(max_length=20)] = ""
    container: Annotated[str, StringConstraints(max_length=400)] = ""
    """The journal, the book or the series that it appeared in."""
    volume: _Name = ""
    issue: _Name = ""
    pages: _Name = ""
    publisher: _Name = ""
    doi: _Name = ""


class ReferenceDrafts(Frozen):
    """The reply asked of a model that reads the beginnings of documents."""

    documents: tuple[ReferenceDraft, ...] = Field(min_length=1)
