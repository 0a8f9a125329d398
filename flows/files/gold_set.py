"""The gold set: decisions of people on records, one line each, of which none is ever changed.

Each line holds the digest of the line before, so that the number of lines and the last digest name one state of the
set, and a line that was changed afterwards is noticed. The newest decision on a record and criterion counts.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from contract.base import digest, thawed
from contract.errors import StorageError
from contract.gold import GoldEntry
from contract.record import Record

try:
    import fcntl
except ImportError:  # Windows, where two programs must not add to one set at once
    fcntl = None

SUFFIX = ".jsonl"
PEOPLE_FIELD = "people"
"""Where the decisions stand in a record's ground truth: criterion -> decision."""
FIRST_DIGEST = "0" * 64


@dataclass
class GoldSet:
    """The decisions of a file."""

    records: dict[str, dict[str, GoldEntry]] = field(default_factory=dict[str, dict[str, GoldEntry]])
    """Record -> criterion -> the newest decision."""
    version: int = 0
    """How many decisions were made so far."""
    digest: str = FIRST_DIGEST
    """Digest of the last line, and so of all before."""
    digests: list[str] = field(default_factory=list[str])
    """Of each line, in order: each names the version that the set had then."""

    @property
    def entries(self) -> Mapping[tuple[str, str], GoldEntry]:
        """Record and criterion -> the newest decision."""
        return {entry.key: entry for own in self.records.values() for entry in own.values()}

    def of(self, record_id: str) -> Mapping[str, GoldEntry]:
        """Criterion -> decision on that record."""
        return self.records.get(record_id, {})

    def criteria(self) -> set[str]:
        """The criteria that decisions are about."""
        return {criterion for own in self.records.values() for criterion in own}

    def add(self, entry: GoldEntry) -> str:
        """Adds a decision, and returns the digest of its line."""
        self.records.setdefault(entry.record_id, {})[entry.criterion] = entry
        self.version, self.digest = self.version + 1, line_digest(entry, self.digest)
        self.digests.append(self.digest)
        return self.digest


def read_gold(path: Path) -> GoldSet:
    """The decisions in the file; none where there is no file.

    Raises StorageError for a line that is no decision, or that was changed after it was written.
    """
    found = GoldSet()
    if not path.exists():
        return found
    data = path.read_bytes()
    for number, line in enumerate(data.split(b"\n"), start=1):
        if not line.strip():
            continue
        found.add(_read_line(line, found.digest, f"{path}:{number}"))
    return found


def _read_line(line: bytes, previous: str, where: str) -> GoldEntry:
    try:
        value: dict[str, Any] = json.loads(line)
        own, before = value.pop("digest"), value.pop("previous")
        entry = GoldEntry.model_validate(value)
    except (ValueError, KeyError, AttributeError, ValidationError) as error:
        first = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error
        raise StorageError(f"{where}: this line is no decision of a gold set: {first}") from None
    if before != previous or own != line_digest(entry, before):
        raise StorageError(f"{where}: this line, or one before it, was changed after it was written")
    return entry


def line_digest(entry: GoldEntry, previous: str) -> str:
    """The digest of a line that follows the line with the digest `previous`."""
    return digest([previous, entry.model_dump(mode="json")])


def _says_the_same(entry: GoldEntry, newest: GoldEntry | None) -> bool:
    """Whether a decision, sent or read again, is the one that counts already, whatever the time and the run."""
    same = {"at", "run"}
    return newest is not None and entry.model_dump(exclude=same) == newest.model_dump(exclude=same)


def add_to_gold(path: Path, entries: Iterable[GoldEntry]) -> GoldSet:
    """Adds decisions to the file, but for those that count already, and returns the set with them.

    Raises StorageError as `read_gold` does.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        if fcntl:
            fcntl.flock(file, fcntl.LOCK_EX)
        # Read under the lock: another program may have added to it.
        found, lines = read_gold(path), list[bytes]()
        for entry in entries:
            if _says_the_same(entry, found.of(entry.record_id).get(entry.criterion)):
                continue
            previous = found.digest
            value = {**entry.model_dump(mode="json"), "previous": previous, "digest": found.add(entry)}
            lines.append(json.dumps(value, ensure_ascii=False).encode() + b"\n")
        end = os.fstat(file).st_size
        try:
            data = b"".join(lines)
            while data:
                data = data[os.write(file, data) :]
            os.fsync(file)
        except OSError:
            os.ftruncate(file, end)
            raise
        return found
    finally:
        os.close(file)


def with_gold(record: Record, gold: Mapping[str, GoldEntry]) -> Record:
    """The record with the decisions in its ground truth, where no judge sees them; unchanged without any.

    A decision on other words than the record's own is left out.
    """
    people = {
        criterion: entry.as_people()
        for criterion, entry in gold.items()
        if entry.record_sha256 in (None, record.content_sha256)
    }
    if not people:
        return record
    known = {name: thawed(value) for name, value in (record.ground_truth or {}).items()}
    return Record.model_validate({**record.model_dump(), "ground_truth": {**known, PEOPLE_FIELD: people}})
