"""Sets kept files aside: those that are not what was written, and replies that no later run is to be served.

Nothing is deleted. A file that was set aside stays below `set_aside/`, under its path and the start of its digest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from flows.results.store import ResultStore

_MAX_NOTES = 3


class SetAside:
    """Sets files of one storage aside, for the length of a run."""

    def __init__(self, store: ResultStore, on_note: Callable[[str], None] | None = None) -> None:
        self._store = store
        self._on_note = on_note
        self._altered = 0

    async def move(self, path: str, file: bytes) -> None:
        """Moves a file. Raises OSError."""
        await self._store.awrite_path(set_aside_path(path, file), file)
        await self._store.aremove(path)

    async def move_altered(self, path: str, file: bytes, reason: object) -> None:
        """Moves a file that is not what was written under its name, and notes it. Raises OSError."""
        await self.move(path, file)
        self._altered += 1
        if self._on_note and self._altered <= _MAX_NOTES:
            self._on_note(
                f"the kept file {path} is not used: {reason}. It is set aside, and its question is asked again"
            )

    def note_total(self) -> None:
        """Notes how many altered files there were, if there were more than were noted one by one."""
        if self._on_note and self._altered > _MAX_NOTES:
            self._on_note(f"{self._altered} kept files in all were not what was written; they are below set_aside/")


def set_aside_path(path: str, file: bytes) -> str:
    """Where a file from `path` stays once it is set aside."""
    return f"set_aside/{path}-{hashlib.sha256(file).hexdigest()[:16]}"
