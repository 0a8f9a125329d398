"""Writes CSV that spreadsheets can open safely: text that they would run as a formula is escaped, and can be restored.

A text that begins with one of = + - @, a tab, a carriage return, a line feed, one of the full-width ＝ ＋ － ＠ or with
a single quote gets a single quote in front. To undo it, take one single quote off each text that begins with one.
Numbers stay as they are, even as text. Control characters, which a terminal would execute and many readers of CSV
stumble over, are shown as signs, such as ␛ for ESC; tabs and line ends stay. Parquet holds the text as it is.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, Protocol

from flows.files.atomic import open_atomic
from flows.files.control_characters import escape_controls
from flows.tables.flatten import Scalar

_FORMULA_STARTS = frozenset("=+-@\t\r\n＝＋－＠'")
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")


class RowWriter(Protocol):
    """Anything that takes rows one by one, such as a `csv` writer."""

    def writerow(self, row: Iterable[str], /) -> object:
        """Writes one row."""
        ...


def scalar_text(value: Scalar) -> str:
    """A value as text, the same in CSV and in the text columns of Parquet; None is empty text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else repr(value)


def escape_formula(value: Scalar) -> str:
    """A value as the text of a CSV cell, with a single quote in front of what could run as a formula."""
    if not isinstance(value, str):
        return scalar_text(value)
    shown = escape_controls(value)
    return f"'{shown}" if value[:1] in _FORMULA_STARTS and not _NUMBER.fullmatch(value) else shown


def unescape_formula(cell: str) -> str:
    """The text that `escape_formula` was called with, its control characters still as signs."""
    return cell.removeprefix("'")


def csv_row_writer(file: IO[str], columns: Sequence[str]) -> RowWriter:
    """A writer of rows to `file`; writes the column names first."""
    # Line ends are those of RFC 4180; with others, Python before 3.13 does not quote a lone carriage return.
    writer = csv.writer(file)
    writer.writerow([escape_formula(name) for name in columns])
    return writer


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Scalar]]) -> None:
    """Writes a CSV file of these rows, whole or not at all."""
    with open_atomic(path) as file:
        writer = csv_row_writer(file, columns)
        for row in rows:
            writer.writerow([escape_formula(value) for value in row])
