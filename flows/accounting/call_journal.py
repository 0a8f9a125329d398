"""Call journal: a file of the calls under way, kept beside the replies. A clean end deletes it; a killed run leaves it.

Each line is one letter and a key: `b` for a call about to be sent, `e` for one that came back, `u` for one that did not
come back and may still have been billed.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import IO
from uuid import uuid4


class CallJournal:
    """The `Journal` of one run, in a folder of such journals; use as a context manager."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / f"{uuid4().hex}.txt"
        self._file: IO[str] | None = None
        self._in_flight = Counter[str]()
        self.unanswered = Counter[str]()
        """Key -> calls of this run that may have been billed although no reply came."""
        self.interrupted = _interrupted(folder)
        """Key -> calls that were under way when an earlier run was killed; they may also have been billed."""

    def __enter__(self) -> CallJournal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._file is None:
            return
        self._file.close()
        if not (+self._in_flight or self.unanswered):
            self._path.unlink(missing_ok=True)

    def repeat_count(self, key: str) -> int:
        """How many calls with that key, here or in a killed run, brought no reply and may have been billed."""
        return self.interrupted[key] + self.unanswered[key]

    def call_started(self, key: str) -> None:
        """A call is about to be sent."""
        self._in_flight[key] += 1
        self._write("b", key)

    def call_ended(self, key: str, *, answered: bool) -> None:
        """The call came back, or failed."""
        self._in_flight[key] -= 1
        if not answered:
            self.unanswered[key] += 1
        self._write("e" if answered else "u", key)

    def _write(self, letter: str, key: str) -> None:
        if self._file is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("a", encoding="utf-8", buffering=1)
        self._file.write(f"{letter} {key}\n")


def _interrupted(folder: Path) -> Counter[str]:
    found = Counter[str]()
    for path in folder.glob("*.txt") if folder.is_dir() else ():
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            letter, _, key = line.partition(" ")
            found[key] += {"b": 1, "e": -1}.get(letter, 0)
    return +found
