"""Spool: rows on disk in the order in which they came, read again in the order in which they belong.

Only a sort key and an offset are in memory for each row, so a run of many thousand cells needs little of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from flows.files.lines import LineFile
from flows.tables.flatten import Scalar
from flows.tables.identity import CellSortKey


class RowSorter:
    """Rows of JSON among these lines."""

    def __init__(self, lines: LineFile) -> None:
        self._lines = lines
        self._index = list[tuple[CellSortKey, int]]()

    def add(self, key: CellSortKey, *rows: dict[str, Scalar]) -> None:
        """Takes in what belongs at that place."""
        self._index.append((key, self._lines.add(json.dumps(rows))))

    def __iter__(self) -> Iterator[list[dict[str, Any]]]:
        """What was added, in the order of the places."""
        for _, offset in sorted(self._index):
            yield json.loads(self._lines.read(offset))
