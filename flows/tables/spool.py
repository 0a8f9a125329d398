"""Spool: rows on disk in the order in which they came, read again in the order in which they belong.

Only a sort key and an offset are in memory for each row, so a run of many thousand cells needs little of it.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flows.tables.flat import Scalar
from flows.tables.identity import Place


class Spool:
    """Rows of JSON in a file of their own. Use as a context manager; the file goes when it closes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._places = list[tuple[Place, int]]()

    def __enter__(self) -> Spool:
        self._file = tempfile.TemporaryFile(dir=self._folder, prefix=".cells.", suffix=".part")
        return self

    def __exit__(self, *ended: object) -> None:
        self._file.close()

    def add(self, place: Place, *rows: dict[str, Scalar]) -> None:
        """Takes in what belongs at that place."""
        self._places.append((place, self._file.tell()))
        self._file.write(json.dumps(rows).encode() + b"\n")

    def __iter__(self) -> Iterator[list[dict[str, Any]]]:
        """What was added, in the order of the places."""
        for _, offset in sorted(self._places):
            self._file.seek(offset)
            yield json.loads(self._file.readline())
