"""Reads lines that a person types at a terminal, with the keys of a line editor and the lines of earlier days."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from types import ModuleType

from platformdirs import user_state_path

_KEPT_LINES = 1000


class LineEditor:
    """Lines of the terminal. Arrow keys edit a line and bring back earlier ones, where the system has readline."""

    def __init__(self, history: Path | None = None) -> None:
        """`history` is the file of earlier lines, which only its owner can read."""
        self._file = history or user_state_path("buttermilk", appauthor=False) / "questions"
        self._readline = _readline()
        if self._readline:
            self._readline.set_history_length(_KEPT_LINES)
            # Without earlier lines, or where they cannot be read, the person types as before.
            with suppress(OSError):
                self._readline.read_history_file(self._file)

    def line(self, prompt: str) -> str | None:
        """The next line without spaces around it; None at the end of the input, or for Ctrl-C: no run goes on here."""
        try:
            return input(prompt).strip()
        except EOFError:
            return None
        except KeyboardInterrupt:
            print()
            return None

    def save(self) -> None:
        """Keeps the lines for the next time. Where they cannot be written, as on a full disk, they are not kept."""
        if not self._readline:
            return
        with suppress(OSError):
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file.touch(mode=0o600)
            self._readline.write_history_file(self._file)


def _readline() -> ModuleType | None:
    try:
        import readline
    except ImportError:
        # Windows edits lines by itself.
        return None
    return readline
