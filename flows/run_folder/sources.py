"""Sources: the files that a study's records and corpus come from, each with its digest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from contract.storage import FileStorage, StorageConfig, ZoteroStorage
from flows.check.sources import source_of
from flows.files.checksums import sha256_of
from flows.spec.study import Study
from flows.storage.factory import source_rows
from flows.storage.file import source_files
from flows.storage.guesses import Guess


@dataclass(frozen=True)
class SourceFile:
    """One data file as it was when the run began."""

    path: str
    sha256: str
    bytes: int


def sources_of(study: Study) -> list[SourceFile]:
    """Every file of the study's records and corpus; none for records that come from the request or a hub."""
    named = [study.flow.records, study.flow.corpus or ""]
    files = [file for name in named for file in _data_files(study.storage.get(name))]
    return [SourceFile(str(path), sha256_of(path), path.stat().st_size) for path in dict.fromkeys(files)]


def reading_of(study: Study) -> dict[str, dict[str, str]]:
    """What was guessed of files that do not say how they are to be read: storage -> setting -> value."""
    read_as = dict[str, dict[str, str]]()
    for name in (study.flow.records, study.flow.corpus or ""):
        config = study.storage.get(name)
        source = config and source_of(config)
        if isinstance(source, FileStorage):
            guesses = list[Guess]()
            next(source_rows(source, guesses.append), None)
            if guesses:
                read_as[name] = {guess.setting: guess.value for guess in guesses}
    return read_as


def _data_files(config: StorageConfig | None) -> Iterator[Path]:
    found = config and source_of(config)
    if isinstance(found, ZoteroStorage) and found.path is not None:
        yield found.path
        if found.attachments is not None and found.attachments.is_dir():
            yield from source_files(FileStorage(path=found.attachments))
    if isinstance(found, FileStorage):
        yield from source_files(found)
        if found.labels_from is not None:
            yield found.labels_from.path
