"""Line file: texts on disk, each found by its offset, for data written once, read once and too large for memory."""

from __future__ import annotations

import tempfile
from pathlib import Path


class LineFile:
    """Texts without line ends in a temporary file. Use as a context manager; the file is deleted when it closes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._end = 0

    def __enter__(self) -> LineFile:
        self._file = tempfile.TemporaryFile(dir=self._folder, prefix=".lines.", suffix=".part")
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._file.close()

    def add(self, text: str) -> int:
        """Adds a line; returns the offset in bytes at which it begins."""
        offset, line = self._end, text.encode() + b"\n"
        # Only after a read: each seek would write the buffer to the disk.
        if self._file.tell() != offset:
            self._file.seek(offset)
        self._file.write(line)
        self._end += len(line)
        return offset

    def read(self, offset: int) -> str:
        """The line that begins at that offset."""
        self._file.seek(offset)
        return self._file.readline()[:-1].decode()
