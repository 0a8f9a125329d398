"""Audit: records who ran what and when, with which configuration, and which data left this machine to whom.

The file holds one JSON object a line, added at the start and at the end of a run, and never changed. Each line holds
the digest of the line before it, so that a removed or changed line is noticed. The file holds requests, but no texts
of records and no secrets.
"""

from __future__ import annotations

import getpass
import hashlib
import json
import os
import socket
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from platformdirs import user_state_path

from agents.safety.paths import expanded
from contract.base import canonical_json
from contract.errors import RunError
from flows.files.os_error import os_error_text

NO_DIGEST = "0" * 64
"""The value in the first line, where later lines have the digest of the line before."""
_MAX_LINE_BYTES = 1_000_000


def audit_path(configured: Path | None) -> Path:
    """The file of the audit trail: the one that the study names, or one in the user's folder for program state."""
    found = configured or user_state_path("buttermilk", appauthor=False) / "audit.jsonl"
    return expanded(found).absolute()


class AuditTrail:
    """An audit trail. Several processes can add to the same file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(self, event: str, **fields: Any) -> None:
        """Adds a line. Raises RunError when it cannot be written: a run without an audit line does not start."""
        who = {"time": datetime.now(UTC).isoformat(), "event": event, "user": _user(), "host": socket.gethostname()}
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab+") as file, _exclusive_lock(file):
                self._refuse_another_file(file)
                line = canonical_json({**who, **fields, "before": _last_digest(file)}).encode()
                file.write(line + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise RunError(
                f"the audit trail {self.path} cannot be written: {os_error_text(error)}; "
                "set run.audit=… to a file that can be written"
            ) from error

    def _refuse_another_file(self, file: IO[bytes]) -> None:
        """Raises RunError for a file of something else: a slip in a command may not write into somebody's data."""
        file.seek(0)
        if (first := file.readline(_MAX_LINE_BYTES)) and b'"before"' not in first + _last_lines(file)[-1]:
            what = f"the audit trail {self.path} is a file of something else, into which nothing was written"
            raise RunError(f"{what}; set run.audit=… to a new file, for example run.audit=audit.jsonl")

    def last_seal(self, folder: Path, flow_run_id: str | None) -> str | None:
        """The seal that was last written down for the run in that folder or with that id; None where there is none."""
        found: str | None = None
        try:
            with self.path.open("rb") as file:
                for line in file:
                    found = _seal_in(line, str(folder), flow_run_id) or found
        except OSError:
            return None
        return found

    def check(self) -> AuditCheck:
        """Checks that every line is as it was written. Raises RunError when the file cannot be read."""
        found = AuditCheck()
        try:
            with self.path.open("rb") as file:
                for line in file:
                    found.add(line, self.path.name)
        except OSError as error:
            raise RunError(f"the audit trail {self.path} cannot be read: {error.strerror or error}") from error
        return found


@dataclass
class AuditCheck:
    """The result of a check of an audit trail, line by line."""

    lines: int = 0
    last_digest: str = NO_DIGEST
    """The digest of the last line. Written down elsewhere, it shows whether lines were removed from the end."""
    changes: list[str] = field(default_factory=list[str])
    """Differences from what was written, one sentence each."""

    def add(self, line: bytes, name: str) -> None:
        """Checks the next line."""
        self.lines += 1
        where, before = f"{name}:{self.lines}", self.last_digest
        self.last_digest = _digest(line)
        try:
            known: Any = json.loads(line)
            if known["before"] != before:
                self.changes.append(f"{where}: what stood before this line was changed or taken out")
        except (ValueError, KeyError, TypeError, RecursionError):
            self.changes.append(f"{where}: not a line of an audit trail")


def _seal_in(line: bytes, folder: str, flow_run_id: str | None) -> str | None:
    if b'"seal"' not in line:
        return None
    try:
        known: Any = json.loads(line)
        is_same = known["folder"] == folder or (flow_run_id is not None and known.get("flow_run_id") == flow_run_id)
        return str(known["seal"]) if is_same and known["seal"] else None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _last_lines(file: IO[bytes]) -> list[bytes]:
    end = file.seek(0, os.SEEK_END)
    file.seek(max(0, end - _MAX_LINE_BYTES))
    return file.read().splitlines(keepends=True)


def _last_digest(file: IO[bytes]) -> str:
    lines = _last_lines(file)
    if lines and not lines[-1].endswith(b"\n"):
        # A process was killed while it wrote its line, or the disk was full: the next entry starts on a new line.
        file.write(b"\n")
        lines[-1] += b"\n"
    return _digest(lines[-1]) if lines else NO_DIGEST


def _digest(line: bytes) -> str:
    return hashlib.sha256(line.rstrip(b"\n")).hexdigest()


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # In a container, a user often has a number and no name.
        return str(os.getuid()) if hasattr(os, "getuid") else "unknown"


@contextmanager
def _exclusive_lock(file: IO[bytes]) -> Generator[None]:
    """Holds the file's lock for the length of the block; other processes that ask for the lock wait."""
    try:
        import fcntl
    except ImportError:  # Windows, where a file opened for appending is written in whole lines of this size
        yield
        return
    fcntl.flock(file.fileno(), fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(file.fileno(), fcntl.LOCK_UN)
