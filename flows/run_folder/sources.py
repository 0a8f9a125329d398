"""Sources: the files that a study's records and corpus come from, each with its digest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from contract.storage import FileStorage, SearchableStorage, StorageConfig
from flows.storage.file import files_of
from flows.spec.study import Study


@dataclass(frozen=True)
class Source:
    """One file of data as it was when the run began."""

    path: str
    sha256: str
    bytes: int


def sources_of(study: Study) -> list[Source]:
    """Every file of the study's records and corpus; none for records that come from the request or a hub."""
    named = [study.flow.records, study.flow.corpus or ""]
    files = [file for name in named for file in _files(study.storage.get(name))]
    return [Source(str(path), sha256_of(path), path.stat().st_size) for path in dict.fromkeys(files)]


def _files(config: StorageConfig | None) -> Iterator[Path]:
    found = config.source if isinstance(config, SearchableStorage) else config
    if isinstance(found, FileStorage):
        yield from files_of(found)


def sha256_of(path: Path) -> str:
    """The digest of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
