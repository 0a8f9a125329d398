"""How a document is named beside its quotations: its title, and in brackets its id and its date."""

from __future__ import annotations


def document_name(title: str, record_id: str, date: str | None = None) -> str:
    """Returns `title (id, date)`; a document without a title of its own has its id as title, which is named once."""
    details = ", ".join(filter(None, (record_id if record_id != title else "", date)))
    return f"{title} ({details})" if details else title
