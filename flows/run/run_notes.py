"""What a run says of itself, kept beside its results: whoever reads the report was not at the terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any


class RunNotes:
    """Hands each note on as it comes, and keeps it for the manifest; a note that comes again is kept once."""

    def __init__(self, known: Iterable[str], on_note: Callable[[str], None]) -> None:
        """`known` are those that were said before the run began; `on_note` receives later ones."""
        self._kept = dict.fromkeys(known)
        self._on_note = on_note

    def add(self, text: str) -> None:
        """Keeps a note, and hands it on."""
        self._kept.setdefault(text)
        self._on_note(text)

    def keep(self, texts: Iterable[str]) -> None:
        """Keeps notes that somebody else has said, as the shards of a run do."""
        for text in texts:
            self._kept.setdefault(text)

    def as_field(self) -> dict[str, Any]:
        """The field of the manifest; nothing where nothing was said."""
        return {"notes": [*self._kept]} if self._kept else {}
