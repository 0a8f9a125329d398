"""Reads rows of `.csv` and `.tsv` files, one at a time."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from contract.errors import StorageError
from flows.storage.rows import (
    MAX_RAW_CHARACTERS,
    Reject,
    Row,
    Rows,
    bom_aware_encoding,
    check_encoding,
    has_undecodable_bytes,
    make_reject,
    object_row,
    undecodable_message,
)

_DELIMITERS = ",;\t"
_MAX_COLUMNS = 20_000


def csv_rows(path: Path, encoding: str, delimiter: str | None) -> Rows:
    """Rows of a table whose first line names the columns.

    With `delimiter` None it is the one of comma, semicolon and tab that the first line holds most often. Raises
    StorageError when the columns' names cannot be read.
    """
    check_encoding(path, encoding)
    # The library's limit of 131,072 characters a cell can only be set globally; whole documents are longer.
    csv.field_size_limit(2**31 - 1)
    with path.open(encoding=bom_aware_encoding(encoding), errors="surrogateescape", newline="") as file:
        if delimiter is None:
            first = file.readline()
            delimiter = max(_DELIMITERS, key=first.count)
            file.seek(0)
        lines = _RecordingLines(file)
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        header = column_names(_header_cells(reader, path), path, encoding)
        while True:
            start = reader.line_num + 1
            lines.clear()
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield make_reject(
                    start, path, _csv_error_message(str(error), start, reader.line_num), lines.raw, encoding
                )
                continue
            if cells:
                yield _row(start, path, header, cells, encoding)


class _RecordingLines:
    """A file's lines; keeps the first characters of the current row, to show them if it is rejected."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self.raw = ""

    def clear(self) -> None:
        """Forgets the row so far; another one begins."""
        self.raw = ""

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        if len(self.raw) < MAX_RAW_CHARACTERS:
            self.raw += line[:MAX_RAW_CHARACTERS]
        return line


def _csv_error_message(error: str, start: int, end: int) -> str:
    where = f"lines {start} to {end} were read as one row and left out" if end > start else "the row was left out"
    if "unexpected end of data" in error:
        return f"a quotation mark opens a cell here and is never closed, so {where}; close it, or double it"
    if "expected after" in error:
        hint = "or one that opens a cell is not closed" if end > start else 'as in ""'
        return f"a quotation mark within a cell is not doubled, {hint}; {where}"
    return f"the row breaks the rules of a table: {error}; {where}"


def _header_cells(reader: Iterator[list[str]], path: Path) -> list[str]:
    nothing: list[str] = []
    try:
        return next(reader, nothing)
    except csv.Error as error:
        raise StorageError(f"{path}:1: the column names cannot be read: {error}") from None


def column_names(cells: Iterable[str], path: Path, encoding: str = "utf-8", line: int = 1) -> list[str]:
    """The columns' names; one without a name is `column` and its number.

    Raises StorageError when two names are the same, a name cannot be decoded or holds null bytes, or there are more
    than 20,000.
    """
    header = [cell.strip() or f"column {number}" for number, cell in enumerate(cells, start=1)]
    if has_undecodable_bytes("".join(header)):
        raise StorageError(f"{path}:{line}: the row of column names {undecodable_message(encoding)}")
    if any("\x00" in name for name in header):
        raise StorageError(
            f"{path}:{line}: null bytes among the column names: perhaps text in UTF-16; try `encoding: utf-16`"
        )
    if len(header) > _MAX_COLUMNS:
        raise StorageError(f"{path}:{line}: {len(header):,} columns are more than {_MAX_COLUMNS:,}; is it a table?")
    duplicates = sorted(name for name, times in Counter(header).items() if times > 1)
    if duplicates:
        raise StorageError(
            f"{path}:{line}: two columns have the same name: {', '.join(duplicates)}; rename one of them"
        )
    return header


def _cell_count_message(cells: int, columns: int) -> str:
    advice = "; put quotation marks around a text that holds a comma" if cells > columns else ""
    return f"has {cells} cells, but there are {columns} columns{advice}"


def _row(number: int, path: Path, header: list[str], cells: list[str], encoding: str) -> Row | Reject:
    raw = ",".join(cells)
    if len(cells) != len(header):
        return make_reject(number, path, _cell_count_message(len(cells), len(header)), raw, encoding)
    return object_row(number, path, dict(zip(header, cells, strict=True)), raw, encoding, typed=False)
