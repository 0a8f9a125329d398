"""Lines: texts on disk, each known by where it begins, for what is made once, read once and too much for memory."""

from __future__ import annotations

import tempfile
from pathlib import Path


class LineFile:
    """Texts without line ends in a file of their own. Use as a context manager; the file goes when it closes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._end = 0

    def __enter__(self) -> LineFile:
        self._file = tempfile.TemporaryFile(dir=self._folder, prefix=".lines.", suffix=".part")
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._file.close()

    def add(self, text: str) -> int:
        """Takes in a line; returns where it begins."""
        offset, line = self._end, text.encode() + b"\n"
        # Only after reading: each seek would write out what is buffered.
        if self._file.tell() != offset:
            self._file.seek(offset)
        self._file.write(line)
        self._end += len(line)
        return offset

    def read(self, offset: int) -> str:
        """The line that begins there."""
        self._file.seek(offset)
        return self._file.readline()[:-1].decode()
