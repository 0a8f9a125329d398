"""Journals of started runs: a later server of the same folder finds a run by the id that an earlier one gave.

The process of a run writes what it tells its server into a file, too, which the operating system locks as long as that
process lives. The file is below the user's cache, since a study's folder can come from anyone.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.files.cache import cache_folder
from flows.results.process_file import ProcessFile, is_process_alive

_RUN_ID = re.compile(r"[A-Za-z][\w-]{0,150}-[0-9a-f]{8}")
SERVER_GONE = "server_gone"
"""The message that the server of a run has ended."""
_PROGRESS_SECONDS = 1.0
"""The shortest time between two lines about cells: a study can have many thousands."""
_KEPT_SECONDS = 90 * 86400


class RunJournal:
    """The journal of this process's run, which it holds until it ends."""

    def __init__(self, run_id: str, owner: str | None = None) -> None:
        path = _path(run_id)
        _remove_old(path.parent)
        self._file = ProcessFile(path)
        self._written = 0.0
        self.write(pid=os.getpid(), began=time.time(), owner=owner)

    def write(self, **message: Any) -> None:
        """Adds what has happened. Of messages about cells only some are written."""
        now = time.monotonic()
        if "cells" in message and now - self._written < _PROGRESS_SECONDS:
            return
        self._written = now if "cells" in message else self._written
        self._file.write(json.dumps({**message, "at": time.time()}))


@dataclass(frozen=True)
class JournalState:
    """What a journal says of its run."""

    flow: str
    pid: int
    exit_code: int | None
    """None while the run goes on, and when its process was killed."""
    is_alive: bool
    seconds: float
    """From its begin to the last line."""
    owner: str | None
    """The mark of who has started it, see `RunOwner`."""
    is_server_gone: bool
    """Whether the server that started it has ended."""
    messages: dict[str, Any]
    """The latest of each kind: cells, at_most, problems, outcome."""


def read_journal(run_id: str) -> JournalState | None:
    """What is known of the run that a server of this folder has started under that id; None where nothing is."""
    if not _RUN_ID.fullmatch(run_id):
        return None
    path = _path(run_id)
    # Looked at before the file is read: a process that has ended since has written its last line.
    is_alive = is_process_alive(path)
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return None
    found: dict[str, Any] = {}
    for line in lines:
        try:
            found |= json.loads(line)
        except ValueError:
            # The last line of a process that was killed while it wrote.
            break
    if "pid" not in found:
        return None
    pid, last = found.pop("pid"), found.pop("at")
    seconds, code = last - found.pop("began"), found.pop("exit_code", None)
    owner, is_gone = found.pop("owner", None), bool(found.pop(SERVER_GONE, False))
    return JournalState(run_id.rpartition("-")[0], pid, code, is_alive, seconds, owner, is_gone, found)


def _path(run_id: str) -> Path:
    folder = hashlib.sha256(str(Path.cwd()).encode()).hexdigest()[:16]
    return cache_folder() / "mcp-runs" / folder / f"{run_id}.jsonl"


def _remove_old(folder: Path) -> None:
    for path in folder.glob("*.jsonl"):
        if time.time() - path.stat().st_mtime > _KEPT_SECONDS and not is_process_alive(path):
            path.unlink(missing_ok=True)
