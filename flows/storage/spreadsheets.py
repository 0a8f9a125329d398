"""Reads rows of one sheet of an Excel workbook."""

from __future__ import annotations

import errno
import html
import re
import struct
import zipfile
import zlib
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from contract.errors import StorageError
from contract.storage import FileStorage
from flows.config.diagnostics import closest_name, join_names, listed_beside
from flows.storage.guesses import Guess, OnGuess
from flows.storage.rows import Reject, Row, Rows
from flows.storage.table_header import HeaderSettings, TableLine, split_header
from flows.storage.values import MissingValue, to_json_value

_MAX_EXACT_INTEGER = 2**53
"""Whole numbers below it are exact in a spreadsheet, which stores all numbers as floating point."""
_MAX_UNPACKED_BYTES = 1_000_000_000
_MAX_CELLS = 50_000_000
_LAST_ROW, _LAST_COLUMN = 1_048_576, 16_384
"""How far a sheet goes in every spreadsheet program."""
_PLACE = re.compile(rb"""<(?:\w+:)?(?:c|row)\s[^>]*?\br\s*=\s*["']([A-Za-z]*)(\d*)["']""")
"""The place of a cell, such as `B4`, or of a row."""
_CELL = re.compile(rb"<(?:\w+:)?c\s([^>]*[^>/])>(.*?)</(?:\w+:)?c>", re.DOTALL)
_ATTRIBUTE = re.compile(rb"""([\w:]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_VALUE = re.compile(rb"<(?:\w+:)?v[^>]*>(.*?)</", re.DOTALL)
_DAMAGE = (zlib.error, NotImplementedError, RuntimeError, EOFError, ValueError, IndexError, struct.error)
"""What `zipfile`, and our reading of the XML, raise for parts that are damaged, encrypted or packed another way."""
_NOT_XLSX = "is not a whole XLSX file, whatever its name; open it in a spreadsheet program and save it as XLSX or CSV"
CellErrors = Mapping[tuple[int, int], str]
"""(row, column), both from 0 -> the error in that cell, such as `#N/A`."""


def sheet_rows(storage: FileStorage, on_guess: OnGuess) -> Rows:
    """The rows below the one that names the columns, mostly the first that is not empty; rows without any value are
    skipped.

    Whole numbers are integers, dates and times ISO text, and a formula's error is a `MissingValue`. Without
    `sheet` the first one is read. Raises StorageError when the workbook or the sheet cannot be read.
    """
    calamine: Any = import_module("python_calamine")
    path, sheet = storage.path, storage.sheet
    _check_size(path, sheet)
    try:
        with calamine.CalamineWorkbook.from_path(str(path)) as book:
            name = _select_sheet(book.sheet_names, sheet, path)
            others = [other for other in book.sheet_names if other != name]
            cells: list[list[Any]] = book.get_sheet_by_name(name).to_python(skip_empty_area=False)
    except calamine.PasswordError:
        raise StorageError(f"{path} is locked with a password; save a copy without one") from None
    except calamine.CalamineError as error:
        raise StorageError(f"{path} {_NOT_XLSX}") from error
    except BaseException as error:
        # A file that makes the library's Rust code panic: the exception is no `Exception`.
        if type(error).__name__ != "PanicException":
            raise
        raise StorageError(f"{path} {_NOT_XLSX}") from None
    if others and sheet is None:
        message = f"the sheet '{name}' is read, the first; write sheet=… for another: {join_names(others)}"
        on_guess(Guess("sheet", name, message))
    yield from _rows(storage, cells, _read_errors(path, name), on_guess)


def _check_size(path: Path, sheet: str | None) -> None:
    """Raises StorageError when a small file would fill the memory: calamine stores every cell up to the farthest.

    Memory that cannot be had ends the whole process, so what this check cannot read is refused.
    """
    if not _is_archive(path):
        return  # A workbook with a password, for example: calamine's own error is clearer.
    with _opened(path) as archive:
        if sum(part.file_size for part in archive.infolist()) > _MAX_UNPACKED_BYTES:
            raise StorageError(f"{path} unpacks to more than {_MAX_UNPACKED_BYTES // 1_000_000:,} MB; save it as CSV")
        names = [found.get("name", "") for found in _elements(archive.read("xl/workbook.xml"), "sheet")]
        part = _sheet_path(archive, _select_sheet(names, sheet, path))
        is_twice = archive.namelist().count(part) > 1
        cells = archive.read(part)
    if is_twice or b"\0" in cells[:100]:
        raise StorageError(f"{path} {_NOT_XLSX}")
    rows, columns = _farthest(cells)
    if rows > _LAST_ROW or columns > _LAST_COLUMN:
        raise StorageError(f"{path} {_NOT_XLSX}")
    if rows * columns > _MAX_CELLS:
        raise StorageError(
            f"{path} reaches to row {rows:,} and column {columns:,}: clear what stands far out, or save it as CSV"
        )


@contextmanager
def _opened(path: Path) -> Generator[zipfile.ZipFile]:
    """The archive that a workbook is. Raises StorageError where it is damaged."""
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except (zipfile.BadZipFile, KeyError, StopIteration, *_DAMAGE):
        raise StorageError(f"{path} {_NOT_XLSX}") from None
    except OSError as error:
        # A damaged directory of the archive, which names a place before the file's beginning.
        if error.errno != errno.EINVAL:
            raise
        raise StorageError(f"{path} {_NOT_XLSX}") from None


def _is_archive(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == b"PK"


def _farthest(cells: bytes) -> tuple[int, int]:
    """The last row and column that a cell or row stands in, from 1."""
    rows = columns = 1
    for found in _PLACE.finditer(cells):
        letters, digits = found[1], found[2]
        if len(letters) > len("XFD") or len(digits) > len(str(_LAST_ROW)):
            return _LAST_ROW + 1, _LAST_COLUMN + 1
        row, column = _cell_position(f"{letters.decode().upper()}{int(digits or 1)}")
        rows, columns = max(rows, row + 1), max(columns, column + 1)
    return rows, columns


def _select_sheet(names: Sequence[str], sheet: str | None, path: Path) -> str:
    if not names:
        raise StorageError(f"{path} holds no sheet")
    if sheet is None:
        return names[0]
    if sheet not in names:
        near = closest_name(sheet, names)
        meant = f"did you mean '{near}'?" if near else None
        advice = "; ".join(filter(None, (meant, listed_beside(near, names))))
        raise StorageError(f"{path} holds no sheet '{sheet}'; {advice}")
    return sheet


def _rows(storage: FileStorage, cells: list[list[Any]], errors: CellErrors, on_guess: OnGuess) -> Rows:
    start = next((at for at, row in enumerate(cells) if any(cell != "" for cell in row)), len(cells))
    below = cells[start:]
    columns = [number for number in range(len(below[0]) if below else 0) if any(line[number] != "" for line in below)]
    named = (
        TableLine(at + 1, [_column_name(row[number]) for number in columns])
        for at, row in enumerate(cells)
        if at >= start and any(cell != "" or (at, number) in errors for number, cell in enumerate(row))
    )
    settings = HeaderSettings(storage.path, storage.header, storage.columns)
    header, rows = split_header(named, settings, on_guess)
    for line in rows:
        at = line.line - 1 if isinstance(line, Reject) else line.number - 1
        values = [_cell_value(cells[at][number], errors.get((at, number))) for number in columns]
        if any(value is not None for value in values):
            yield Row(at + 1, dict(zip(header, values, strict=True)), str(storage.path), typed=False)


def _column_name(cell: Any) -> str:
    return str(_cell_value(cell, None) if cell != "" else "")


def _cell_value(cell: Any, error: str | None) -> Any:
    if error:
        return MissingValue(f"the formula error {error}")
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < _MAX_EXACT_INTEGER:
        return int(cell)
    return None if cell == "" else to_json_value(cell)


def _read_errors(path: Path, sheet: str) -> CellErrors:
    """The cells with errors, which calamine returns as empty ones."""
    with _opened(path) as archive:
        return dict(_parse_errors(archive.read(_sheet_path(archive, sheet))))


def _sheet_path(archive: zipfile.ZipFile, sheet: str) -> str:
    """The path of the sheet's cells in the archive."""
    named = next(found for found in _elements(archive.read("xl/workbook.xml"), "sheet") if found.get("name") == sheet)
    link = next(value for key, value in named.items() if key.endswith(":id"))
    links = _elements(archive.read("xl/_rels/workbook.xml.rels"), "Relationship")
    target = next(found["Target"] for found in links if found["Id"] == link)
    return target.lstrip("/") if target.startswith("/") else f"xl/{target}"


def _elements(xml: bytes, name: str) -> Iterator[dict[str, str]]:
    for found in re.finditer(rb"<(?:\w+:)?%s\s([^>]*)>" % name.encode(), xml):
        yield {key: html.unescape(value) for key, value in _attributes(found[1]).items()}


def _attributes(xml: bytes) -> dict[str, str]:
    return {key.decode(): (double or single).decode() for key, double, single in _ATTRIBUTE.findall(xml)}


def _parse_errors(xml: bytes) -> Iterator[tuple[tuple[int, int], str]]:
    for cell in _CELL.finditer(xml):
        attributes = _attributes(cell[1])
        if attributes.get("t") == "e" and "r" in attributes:
            value = _VALUE.search(cell[2])
            yield _cell_position(attributes["r"]), value[1].decode() if value else "#ERROR"


def _cell_position(reference: str) -> tuple[int, int]:
    """`B4` as row 3, column 1."""
    letters = reference.rstrip("0123456789")
    column = 0
    for letter in letters:
        column = column * 26 + ord(letter) - ord("A") + 1
    return int(reference[len(letters) :]) - 1, column - 1
