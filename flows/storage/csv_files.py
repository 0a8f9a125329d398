"""Reads rows of `.csv` and `.tsv` files, one at a time."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TextIO

from contract.storage import FileStorage
from flows.storage.guesses import Guess, OnGuess
from flows.storage.rows import (
    MAX_RAW_CHARACTERS,
    Reject,
    Row,
    Rows,
    bom_aware_encoding,
    check_encoding,
    make_reject,
    object_row,
)
from flows.storage.table_header import HeaderSettings, TableLine, split_header

_DELIMITERS = ",;\t"
_RARE_DELIMITER = "|"
_HINT = re.compile(r'"?sep=(.)"?[\r\n]*', re.IGNORECASE)
"""The first line of some tables: it tells Excel the delimiter."""
_KEPT_AS_TEXT = re.compile(r'="([^"]*)"')
"""`="0012"`: how a table keeps Excel from reading an id as a number."""


def csv_rows(storage: FileStorage, delimiter: str | None, on_guess: OnGuess) -> Rows:
    """Rows of a table. With neither `delimiter` nor a setting, the delimiter is the one that the first line tells or
    holds most often.

    Raises StorageError when the columns' names cannot be read.
    """
    path, encoding = storage.path, storage.encoding
    check_encoding(path, encoding)
    with path.open(encoding=bom_aware_encoding(encoding), errors="surrogateescape", newline="") as file:
        first = file.readline()
        hint = _HINT.fullmatch(first)
        if hint is None:
            file.seek(0)
        told = storage.delimiter or (str(hint[1]) if hint else delimiter)
        sign = told or _guess_delimiter(first, on_guess)
        lines = _table_lines(file, storage, sign, skipped=1 if hint else 0)
        settings = HeaderSettings(path, storage.header, storage.columns, encoding)
        header, rows = split_header(lines, settings, on_guess)
        for line in rows:
            yield line if isinstance(line, Reject) else _row(line, path, header, encoding)


def _guess_delimiter(first: str, on_guess: OnGuess) -> str:
    if _RARE_DELIMITER in first and not any(sign in first for sign in _DELIMITERS):
        message = f"its cells seem to be separated by `{_RARE_DELIMITER}`; for one column write delimiter=,"
        on_guess(Guess("delimiter", _RARE_DELIMITER, message))
        return _RARE_DELIMITER
    return max(_DELIMITERS, key=first.count)


def _table_lines(file: TextIO, storage: FileStorage, delimiter: str, skipped: int) -> Iterator[TableLine | Reject]:
    # The library's limit of 131,072 characters a cell can only be set globally; whole documents are longer.
    csv.field_size_limit(2**31 - 1)
    lines = _RecordingLines(file)
    if storage.quoting == "none":
        reader = csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE)
    else:
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        start = reader.line_num + 1 + skipped
        lines.clear()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            message = _csv_error_message(str(error), start, reader.line_num + skipped)
            yield make_reject(start, storage.path, message, lines.raw, storage.encoding)
            continue
        if cells:
            yield TableLine(start, list(map(_plain, cells)))


def _plain(cell: str) -> str:
    kept = _KEPT_AS_TEXT.fullmatch(cell) if cell.startswith("=") else None
    return kept[1] if kept else cell


def merged_by_quoting(storage: FileStorage, delimiter: str | None) -> tuple[int, int] | None:
    """How many lines a table has and as how many rows they are read, where quotation marks make one row of several
    lines although each line has as many cells as the first if such marks are letters like others; else None.
    """
    encoding = bom_aware_encoding(storage.encoding)
    with storage.path.open(encoding=encoding, errors="surrogateescape", newline="") as file:
        first = file.readline()
        sign = storage.delimiter or delimiter or max(_DELIMITERS, key=first.count)
        columns, count, quoted = first.count(sign), 1, '"' in first
        for line in file:
            if line.strip("\r\n"):
                count, quoted = count + 1, quoted or '"' in line
                if line.count(sign) != columns:
                    return None
        if not columns or not quoted:
            return None
        file.seek(0)
        rows = sum(1 for _ in _table_lines(file, storage, sign, skipped=0))
    return (count, rows) if count > rows else None


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


def _cell_count_message(cells: int, columns: int) -> str:
    advice = "; put quotation marks around a text that holds a comma" if cells > columns else ""
    return f"has {cells} cells, but there are {columns} columns{advice}"


def _row(line: TableLine, path: Path, header: list[str], encoding: str) -> Row | Reject:
    cells, raw = line.cells, ",".join(line.cells)
    if len(cells) != len(header):
        return make_reject(line.number, path, _cell_count_message(len(cells), len(header)), raw, encoding)
    return object_row(line.number, path, dict(zip(header, cells, strict=True)), raw, encoding, typed=False)
