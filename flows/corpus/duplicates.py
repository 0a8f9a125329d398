"""Duplicates: documents of one source that are the same, by their DOI or by their text. The first takes the place."""

from __future__ import annotations

from hashlib import sha256

from contract.record import Record
from flows.storage.rows import Reject


class Duplicates:
    """The documents of one pass; holds a digest of each."""

    def __init__(self) -> None:
        self._by_doi: dict[str, tuple[str, str]] = {}
        self._by_content: dict[bytes, str] = {}

    def check(self, record: Record) -> Reject | None:
        """Why the record takes no place: another before it is the same; None for the first of its kind.

        Several files of one entry of a library have its DOI together, and are no duplicates.
        """
        content = _content(record)
        if (first := self._by_content.get(content)) is not None:
            return _reject(record, f"the same text as '{first}', which takes one place for both")
        doi, item = str(record.metadata.get("doi") or "").casefold(), str(record.metadata.get("item") or "")
        if doi:
            name, of_item = self._by_doi.setdefault(doi, (record.record_id, item or record.record_id))
            if of_item != (item or record.record_id):
                return _reject(record, f"the same DOI ({doi}) as '{name}', which takes one place for both")
        self._by_content[content] = record.record_id
        return None


def _content(record: Record) -> bytes:
    """A digest of the letters of the text, whatever their case and the white space between them."""
    texts = [record.text, *(str(text) for text in record.sections.values())]
    return sha256("\x00".join(" ".join(text.casefold().split()) for text in texts).encode()).digest()[:16]


def _reject(record: Record, reason: str) -> Reject:
    return Reject(0, reason, "", record.record_id)
