"""Reading in tests: the records and the rejects of one source, and what is guessed of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from contract.record import Record
from contract.storage import FileStorage
from flows.storage.factory import source_rows
from flows.storage.guesses import Guess
from flows.storage.reader import read_valid_records
from flows.storage.rows import Reject


def read_records(path: Path, **settings: object) -> tuple[list[Record], list[Reject]]:
    """All records and all rejects; `settings` are those of a FileStorage."""
    rejects: list[Reject] = []
    storage = FileStorage.model_validate({"path": path, **settings})
    return list(read_valid_records(storage, rejects.append)), rejects


def guesses(path: Path, **settings: Any) -> list[Guess]:
    """What reading the source guesses."""
    found: list[Guess] = []
    list(source_rows(FileStorage.model_validate({"path": path, **settings}), found.append))
    return found


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path
