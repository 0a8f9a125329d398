"""Reading in tests: the records and the rejects of one source."""

from __future__ import annotations

from pathlib import Path

from contract.record import Record
from contract.storage import FileStorage
from flows.storage.reader import read_valid_records
from flows.storage.rows import Reject


def read_records(path: Path, **settings: object) -> tuple[list[Record], list[Reject]]:
    """All records and all rejects; `settings` are those of a FileStorage."""
    rejects: list[Reject] = []
    storage = FileStorage.model_validate({"path": path, **settings})
    return list(read_valid_records(storage, rejects.append)), rejects
