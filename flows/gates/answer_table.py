"""Tables of answers, CSV or workbook: the first row names the columns, each further row answers one question."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from contract.base import JsonValue
from contract.errors import Problem, StorageError
from contract.questions import RESERVED_FIELDS
from flows.config.diagnostics import closest_name

_DELIMITERS = ",;\t"
_HEADER_TODO = "the first row names the columns: gate, record, decision, comment and the gate's fields"


@dataclass
class AnswerTable:
    """The rows of a table, each with its place, and what is wrong with the table's form."""

    header: str = ""
    """Where the columns are named."""
    rows: list[tuple[str, dict[str, JsonValue]]] = field(default_factory=list[tuple[str, dict[str, JsonValue]]])
    problems: list[Problem] = field(default_factory=list[Problem])


def read_answer_table(path: Path, shown: str) -> AnswerTable:
    """The table in the file, whose name is `shown` in messages.

    Raises OSError, UnicodeDecodeError, and StorageError for a workbook that is none.
    """
    is_workbook = path.suffix.lower() == ".xlsx"
    rows, place = (_sheet_rows(path), f"{shown}, row ") if is_workbook else (_csv_rows(path), f"{shown}:")
    filled = [(number, row) for number, row in rows if not all(map(_is_blank, row))]
    if not filled:
        return AnswerTable(problems=[Problem(shown, "the file holds nothing")])
    (line, header), *others = filled
    names = [_column_name(name) for name in header]
    table = AnswerTable(f"{place}{line}")
    table.problems += _header_problems(table.header, names)
    table.problems += _unnamed_values(place, names, others)
    if not table.problems:
        for number, row in others:
            values = {name: cell for name, cell in zip(names, row, strict=False) if name and not _is_blank(cell)}
            table.rows.append((f"{place}{number}", values))
    return table


def _column_name(name: Any) -> str:
    """The name of a column; those that every table has are found in capitals, too."""
    text = str(name or "").strip()
    return text.casefold() if text.casefold() in RESERVED_FIELDS else text


def _header_problems(where: str, names: Sequence[str]) -> Iterator[Problem]:
    others = [name for name in names if name not in RESERVED_FIELDS]
    for name in ("gate", "record"):
        if name not in names:
            yield Problem(where, f"there is no column '{name}'", closest_name(name, others), _HEADER_TODO)
    for name, number in Counter(names).items():
        if name and number > 1:
            yield Problem(where, f"{number} columns are called '{name}'", None, "keep the one that holds the answers")


def _unnamed_values(place: str, names: Sequence[str], rows: Sequence[tuple[int, Sequence[Any]]]) -> Iterator[Problem]:
    """Values that stand in no column with a name: their columns are unknown, and those beside them may be wrong."""
    for number, row in rows:
        width = len(names)
        unnamed = [str(cell) for name, cell in zip(names, row, strict=False) if not name and not _is_blank(cell)]
        unnamed += [str(cell) for cell in row[width:] if not _is_blank(cell)]
        if unnamed:
            what = f"'{unnamed[0][:60]}' stands in a column that has no name"
            todo = "put a text that holds the separator between quotation marks, or name the column in the first row"
            yield Problem(f"{place}{number}", what, None, todo)


def _csv_rows(path: Path) -> list[tuple[int, list[Any]]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        first = file.readline()
        file.seek(0)
        delimiter = max(_DELIMITERS, key=first.count)
        reader, found, line = csv.reader(file, delimiter=delimiter), list[tuple[int, list[Any]]](), 0
        for row in reader:
            found.append((line + 1, list(row)))
            line = reader.line_num
    return found


def _sheet_rows(path: Path) -> list[tuple[int, list[Any]]]:
    calamine: Any = import_module("python_calamine")
    try:
        with calamine.CalamineWorkbook.from_path(str(path)) as book:
            rows: list[list[Any]] = book.get_sheet_by_index(0).to_python(skip_empty_area=False)
    except calamine.CalamineError as error:
        raise StorageError("this is not a whole XLSX file; save it again, or as CSV") from error
    return [(number, [_plain_cell(cell) for cell in row]) for number, row in enumerate(rows, 1)]


def _plain_cell(cell: Any) -> JsonValue:
    """A spreadsheet stores all numbers as floating point."""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return cell if isinstance(cell, str | bool | int | float) or cell is None else str(cell)


def _is_blank(cell: Any) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())
