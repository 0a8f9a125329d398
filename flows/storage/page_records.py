"""Records that are addresses of web pages, and the records that their pages make."""

from __future__ import annotations

import re
from typing import Any

from contract.record import Record
from contract.web_page import WebPage

MAX_ADDRESS_CHARACTERS = 2000
_ADDRESS = re.compile(r"https?://[^\s<>\"]+", re.IGNORECASE)


def is_address(text: object) -> bool:
    """Whether the text is one address of the web and nothing else."""
    if not isinstance(text, str) or len(text) > MAX_ADDRESS_CHARACTERS + 100:
        return False
    return _ADDRESS.fullmatch(text.strip()) is not None


def address_of(record: Record) -> str | None:
    """The address that the record consists of; None for every other record."""
    if record.sections or record.images or not is_address(record.text):
        return None
    return record.text.strip()


def record_of_page(record: Record, page: WebPage) -> Record:
    """The record with the page's text in the place of its address. Raises ValidationError for what is no text."""
    about: dict[str, Any] = {"address": page.url, "sha256": page.sha256, "fetched": page.fetched.isoformat()}
    about |= {name: value for name in ("author", "published", "encoding") if (value := getattr(page, name))}
    fields = record.model_dump(exclude={"text", "title", "uri", "metadata"}, exclude_none=True)
    return Record(
        **fields,
        text=page.text,
        title=record.title or page.title or None,
        uri=page.final_url,
        metadata={**record.metadata, "page": about},
    )
