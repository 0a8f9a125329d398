"""The gold set: decisions of people on records, one line each, of which none is ever changed.

Each line holds the digest of the line before, so that the number of lines and the last digest name one state of the
set, and a line that was changed afterwards is noticed. The newest decision on a record and criterion counts.
"""

from __future__ import annotations

import json
import os
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

from contract.base import digest, thawed
from contract.errors import StorageError
from contract.gold import GoldEntry
from contract.record import Record
from flows.files.half_line import is_half_line
from flows.files.model_mistakes import model_mistakes

try:
    import fcntl
except ImportError:  # Windows, where two programs must not add to one set at once
    fcntl = None

SUFFIX = ".jsonl"
PEOPLE_FIELD = "people"
"""Where the decisions stand in a record's ground truth: criterion -> decision."""
_BEGINNING = '{"record_id": "'
"""With this every line of the file begins."""
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
    torn_lines: list[int] = field(default_factory=list[int])
    """Numbers of half lines that a kill has left: none of them was confirmed, and no later line follows on them."""

    @property
    def entries(self) -> Mapping[tuple[str, str], GoldEntry]:
        """Record and criterion -> the newest decision."""
        return {entry.key: entry for own in self.records.values() for entry in own.values()}

    def of(self, record_id: str) -> Mapping[str, GoldEntry]:
        """Criterion -> decision on that record."""
        return self.records.get(record_id, {})

    def decision(self, record_id: str, criterion: str) -> GoldEntry | None:
        """What was decided on it last; None where nothing was, or where it is open."""
        entry = self.of(record_id).get(criterion)
        return None if entry is None or entry.how == "open" else entry

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
    for number, line in enumerate(path.read_bytes().split(b"\n") if path.exists() else (), start=1):
        if not line.strip():
            continue
        where = f"{path}:{number}"
        if (value := _parsed(line, where)) is None:
            found.torn_lines.append(number)
            continue
        entry, own, before = _read_value(value, where)
        if before != found.digest or own != line_digest(entry, before):
            halves = ", ".join(map(str, found.torn_lines))
            damaged = f"; lines that are no whole ones: {halves}" if halves else ""
            raise StorageError(f"{where}: this line, or one before it, was changed after it was written{damaged}")
        found.add(entry)
    return found


def _parsed(line: bytes, where: str) -> dict[str, Any] | None:
    """What the line holds; None for a half line. Raises StorageError for another that is no JSON."""
    try:
        value: Any = json.loads(line)
        return cast("dict[str, Any]", value) if isinstance(value, dict) else {}
    except ValueError:
        if is_half_line(line, _BEGINNING):
            return None
    raise StorageError(f"{where}: this line was damaged after it was written: it is no JSON")


def _read_value(value: dict[str, Any], where: str) -> tuple[GoldEntry, Any, Any]:
    """The decision, its digest and that of the line before."""
    chain = {name: value.pop(name, None) for name in ("digest", "previous")}
    try:
        entry = GoldEntry.model_validate(value)
    except ValidationError as error:
        raise StorageError(f"{where}: this line is no decision of a gold set: {model_mistakes(error)}") from None
    if missing := [name for name, digest_there in chain.items() if digest_there is None]:
        raise StorageError(f"{where}: this line is no decision of a gold set: `{missing[0]}` is missing")
    return entry, chain["digest"], chain["previous"]


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
    with _open_to_add(path) as (file, found):
        _append(file, found, entries)
        return found


def decide(path: Path, entry: GoldEntry, seen: str) -> GoldEntry | None:
    """Adds a decision by somebody who was shown the one with the mark `seen`.

    Returns another one that was made since then and says otherwise; nothing is added in that case. Raises StorageError
    as `read_gold` does.
    """
    with _open_to_add(path) as (file, found):
        newest = found.decision(*entry.key)
        if newest is not None and newest.verdict != entry.verdict and decision_mark(newest) != seen:
            return newest
        _append(file, found, [entry])
        return None


def decision_mark(entry: GoldEntry | None) -> str:
    """What a form names the decision by that it was shown; empty for none."""
    return "" if entry is None else digest(entry.model_dump(mode="json"))[:16]


@contextmanager
def _open_to_add(path: Path) -> Generator[tuple[int, GoldSet]]:
    """The file, locked against other programs, and what they have added so far."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        if fcntl:
            fcntl.flock(file, fcntl.LOCK_EX)
        yield file, read_gold(path)
    finally:
        os.close(file)


def _append(file: int, gold: GoldSet, entries: Iterable[GoldEntry]) -> None:
    """Adds decisions to the file and to the set, but for those that count already."""
    lines = list[bytes]()
    for entry in entries:
        if _says_the_same(entry, gold.of(entry.record_id).get(entry.criterion)):
            continue
        previous = gold.digest
        value = {**entry.model_dump(mode="json"), "previous": previous, "digest": gold.add(entry)}
        lines.append(json.dumps(value, ensure_ascii=False).encode() + b"\n")
    end = os.fstat(file).st_size
    try:
        data = b"".join(lines)
        # Nothing is joined to a line whose end a kill has kept from the disk.
        if data and end and (os.lseek(file, -1, os.SEEK_END), os.read(file, 1))[1] != b"\n":
            data = b"\n" + data
        while data:
            data = data[os.write(file, data) :]
        os.fsync(file)
    except OSError:
        os.ftruncate(file, end)
        raise


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
