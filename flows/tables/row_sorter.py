"""Sorts rows on disk: they are written in the order of arrival and read in the order of their keys.

Only a sort key and an offset of each row are in memory, so a run of many thousand cells needs little memory.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from flows.files.lines import LineFile
from flows.tables.flatten import Scalar


class RowSorter:
    """Rows, stored as JSON lines in a LineFile."""

    def __init__(self, lines: LineFile) -> None:
        self._lines = lines
        self._index = list[tuple[tuple[Any, ...], int]]()

    def add(self, key: tuple[Any, ...], *rows: dict[str, Scalar]) -> None:
        """Adds rows with a common sort key."""
        self._index.append((key, self._lines.add(json.dumps(rows))))

    def __iter__(self) -> Iterator[list[dict[str, Any]]]:
        """The rows of each `add`, in the order of the keys."""
        for _, offset in sorted(self._index):
            yield json.loads(self._lines.read(offset))
