"""Reads filled-in files: our workbook and table, and exports of Label Studio and doccano.

Every reader yields rows with their place, also those that cannot be taken; nothing is left out silently.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from contract.errors import StorageError
from flows.coding.exports import Exports
from flows.coding.import_answers import ReadAnswer
from flows.coding.task import CodingTask, DrawnRecord
from flows.coding.workbook import HEADS, YES
from flows.tables.csv_text import unescape_formula

_TRUE = ("true", "1", "yes", "x")


def read_answer_file(
    path: Path, task: CodingTask, records: Sequence[DrawnRecord], coder: str = ""
) -> Iterator[ReadAnswer]:
    """The answers in the file, by its kind. `coder` is who answered, where the file does not say.

    Raises StorageError for a file that cannot be read, or is none of these kinds.
    """
    if not path.is_file():
        raise StorageError(f"there is no file {path}")
    suffix = path.suffix.lower()
    if suffix == ".xlsx":
        return _workbook(path)
    if suffix in (".csv", ".tsv"):
        return _table(path, coder)
    if suffix in (".json", ".jsonl"):
        return Exports(path, task, records, coder).answers()
    raise StorageError(f"{path}: answers come as .xlsx, .csv, .json or .jsonl")


def _workbook(path: Path) -> Iterator[ReadAnswer]:
    from python_calamine import CalamineError, load_workbook  # type: ignore[reportUnknownVariableType]

    try:
        book = load_workbook(str(path))
        sheets = {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}
    except (CalamineError, OSError, ValueError) as error:
        raise StorageError(f"{path}: this is no workbook that can be read: {error}") from None
    for name, rows in sheets.items():
        heads = [str(cell).strip() for cell in rows[0]] if rows else []
        if "key" not in heads or "verdict" not in heads:
            continue
        for number, row in enumerate(rows[1:], start=2):
            cells = {head: _cell(value) for head, value in zip(heads, row, strict=False)}
            if any(cells.get(head) for head in HEADS):
                yield _workbook_row(cells, f"{path.name}, sheet {name}, row {number}")


def _workbook_row(cells: Mapping[str, str], where: str) -> ReadAnswer:
    return ReadAnswer(
        where, cells.get("coder", ""), cells.get("key") or None, cells.get("verdict", ""), cells.get("reason", ""),
        _lines(cells.get("quotations", "")), cells.get("criterion is unclear", "").casefold() == YES,
        cells.get("what the criterion should say", ""), content=cells.get("content", ""),
    )  # fmt: skip


def _cell(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _table(path: Path, coder: str) -> Iterator[ReadAnswer]:
    """A long table: record_id, criterion, coder and verdict, and whatever else `code export` writes."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise StorageError(f"{path}: the file is not in UTF-8; save it as CSV UTF-8") from None
    first = text.partition("\n")[0]
    delimiter = max("\t;,", key=first.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    missing = {"record_id", "verdict"} - set(reader.fieldnames or ())
    if missing:
        raise StorageError(f"{path}:1: there is no column {', '.join(sorted(missing))}; there are {reader.fieldnames}")
    for row in reader:
        cells = {name: unescape_formula(value or "").strip() for name, value in row.items() if isinstance(value, str)}
        quotes = [part.strip() for part in cells.get("quotes", "").split(" | ") if part.strip()]
        yield ReadAnswer(
            f"{path}:{reader.line_num}", cells.get("coder") or coder, (cells["record_id"], cells.get("criterion", "")),
            cells.get("verdict", ""), cells.get("reason", ""), quotes, cells.get("unclear", "").casefold() in _TRUE,
            cells.get("unclear_note", ""), _seconds(cells.get("seconds", "")), cells.get("record_sha256", ""),
        )  # fmt: skip


def _seconds(text: str) -> float | None:
    try:
        return float(text) if text and float(text) >= 0 else None
    except ValueError:
        return None
