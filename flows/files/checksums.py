"""Checksums: `SHA256SUMS` in a run folder, which `sha256sum -c` also reads, and its own digest, the run's seal."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from flows.files.atomic import write_text

SUMS_FILE = "SHA256SUMS"
FILLED_IN_LATER = frozenset({"waiting.yaml", "waiting.csv"})
"""Files that people fill in when the run has ended: no part of what it found."""


def write_sums(folder: Path) -> str:
    """Writes the digest of every file of the folder. Returns the seal, which shows any later change."""
    write_text(folder / SUMS_FILE, "".join(f"{sha256_of(folder / name)}  {name}\n" for name in _file_names(folder)))
    return seal(folder)


def seal(folder: Path) -> str:
    """The digest of the file of digests."""
    return sha256_of(folder / SUMS_FILE)


def changed_files(folder: Path) -> Iterator[str]:
    """Differences from the checksums, one sentence each. Raises FileNotFoundError if there are no checksums."""
    links = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_symlink()}
    yield from (f"{name} was replaced by a link" for name in sorted(links))
    sums, known = folder / SUMS_FILE, dict[str, str]()
    if not sums.is_file():
        # A folder, or a pipe, which would be waited for without end.
        raise FileNotFoundError(sums)
    for number, line in enumerate(sums.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
        digest, _, name = line.partition("  ")
        if not name:
            yield f"{SUMS_FILE}:{number}: not a line of a digest and a name"
        known[name] = digest
    present = _file_names(folder)
    for name in sorted({*known, *present} - {"", *links}):
        if name not in known:
            yield f"{name} was not there when the run ended"
        elif name not in present:
            is_there = os.path.lexists(folder / name)
            yield f"{name} was replaced by something that is no file" if is_there else f"{name} is missing"
        elif sha256_of(folder / name) != known[name]:
            yield f"{name} has changed since the run ended"


def _file_names(folder: Path) -> list[str]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.name not in {SUMS_FILE, *FILLED_IN_LATER})
    return sorted(path.relative_to(folder).as_posix() for path in files)


def sha256_of(path: Path) -> str:
    """The SHA-256 digest of a file in hexadecimal; the file is read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
