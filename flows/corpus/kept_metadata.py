"""A record's metadata and pages as the stores of passages keep them: one JSON text a record."""

from __future__ import annotations

import json
from typing import Any

from contract.record import Locator, Record

_LOCATORS = "\x1flocators"
"""The key of the pages beside the metadata; the control character keeps it apart from any column's name."""


def metadata_json(record: Record) -> str:
    """The record's metadata, and its pages where it has any."""
    metadata: dict[str, Any] = record.model_dump(mode="json")["metadata"]
    if record.locators:
        metadata = {**metadata, _LOCATORS: [[one.start, one.name] for one in record.locators]}
    return json.dumps(metadata, ensure_ascii=False)


def read_metadata(text: str) -> tuple[dict[str, Any], list[Locator]]:
    """The metadata and the pages of a text that `metadata_json` wrote."""
    metadata: dict[str, Any] = json.loads(text)
    return metadata, [Locator(start=start, name=name) for start, name in metadata.pop(_LOCATORS, [])]
