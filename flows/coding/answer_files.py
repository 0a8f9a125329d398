"""Reads filled-in files: our workbook and table, and exports of Label Studio and doccano.

Every reader yields rows with their place, also those that cannot be taken; nothing is left out silently.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from agents.safety.paths import no_file_reason
from contract.errors import Problem, StorageError, StudyError
from flows.coding.answer_table import COLUMNS
from flows.coding.exports import Exports
from flows.coding.import_answers import KNOWN_WORDS, YES_WORDS, ReadAnswer
from flows.coding.task import CodingTask, DrawnRecord
from flows.coding.text_file import read_text_file
from flows.coding.workbook_rows import read_workbook
from flows.config.diagnostics import closest_name, there_are
from flows.tables.csv_text import unescape_formula

_HEADINGS = {
    "quotations": "quotes", "criterion is unclear": "unclear", "what the criterion should say": "unclear_note",
}  # fmt: skip
"""Heading of the workbook -> column of the table that holds the same."""
_AS_ONE_LIKES = ("criterion", "coder", "reason", "quotes", "unclear", "unclear_note", "seconds", "record_sha256")
"""Columns that a table may have."""


def read_answer_file(
    path: Path, task: CodingTask, records: Sequence[DrawnRecord], coder: str = "", criteria: Sequence[str] = ()
) -> Iterator[ReadAnswer]:
    """The answers in the file, by its kind.

    `coder` is who answered, and `criteria` by which criteria, where the file does not say. Raises StorageError for a
    file that is not there or is none of these kinds, StudyError for one that cannot be read as its kind.
    """
    if reason := no_file_reason(path):
        raise StorageError(f"{path}: {reason}")
    suffix = path.suffix.lower()
    if suffix == ".xlsx":
        return read_workbook(path, task)
    if suffix in (".csv", ".tsv"):
        named = criteria or [one.name for one in task.criteria]
        return _table(path, coder, named[0] if len(named) == 1 else "")
    if suffix in (".json", ".jsonl"):
        return Exports(path, task, records, coder, criteria).answers()
    raise StorageError(f"{path}: answers come as .xlsx, .csv, .json or .jsonl")


def _table(path: Path, coder: str, criterion: str) -> Iterator[ReadAnswer]:
    """A long table: record_id, criterion, coder and verdict, and whatever else `code export` writes."""
    text = read_text_file(path)
    first = text.partition("\n")[0]
    delimiter = max("\t;,", key=first.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, restkey="")
    try:
        names = [_column(name) for name in reader.fieldnames or ()]
        missing = [_no_column(path, name, names) for name in ("record_id", "verdict") if name not in names]
        if problems := [*missing, *_nearly_read(path, names)]:
            raise StudyError(problems)
        reader.fieldnames = names
        for row in reader:
            yield _table_row(row, f"{path}:{reader.line_num}", coder, criterion)
    except csv.Error as error:
        what = f"this is no table that can be read: {error}"
        # Counted are the lines before the row that cannot be read.
        where = f"{path}:{reader.line_num + 1}"
        raise StudyError([Problem(where, what, todo="save it again as CSV UTF-8")]) from None


def _table_row(row: Mapping[str, str | list[str]], where: str, coder: str, criterion: str) -> ReadAnswer:
    cells = {name: unescape_formula(value or "").strip() for name, value in row.items() if isinstance(value, str)}
    quotes = [part.strip() for part in cells.get("quotes", "").split(" | ") if part.strip()]
    unclear, seconds = cells.get("unclear", ""), cells.get("seconds", "")
    problem = ""
    if "" in row:
        problem = "the row has more cells than there are columns; put quotation marks around a text with separators"
    elif unclear.casefold() not in KNOWN_WORDS:
        problem = f"`unclear` is true, false or empty, and not '{unclear}'"
    elif _seconds(seconds) is None and seconds:
        problem = f"`seconds` is a number or empty, and not '{seconds}'"
    return ReadAnswer(
        where, cells.get("coder") or coder, (cells.get("record_id", ""), cells.get("criterion") or criterion),
        cells.get("verdict", ""), cells.get("reason", ""), quotes, unclear.casefold() in YES_WORDS,
        cells.get("unclear_note", ""), _seconds(seconds), cells.get("record_sha256", ""), problem=problem,
    )  # fmt: skip


def _column(name: str) -> str:
    """The column's name; that of a workbook's heading is that of the table's column."""
    return _HEADINGS.get(name.strip().casefold().replace("_", " "), name.strip())


def _nearly_read(path: Path, names: Sequence[str]) -> Iterator[Problem]:
    """Columns that are not read, and are nearly called as one that would be."""
    for name in names:
        # What is nearest to a column that is there, or that must be there and is told elsewhere, means no other one.
        near = closest_name(name, COLUMNS) if name not in COLUMNS else None
        if near in _AS_ONE_LIKES and near not in names:
            todo = f"call it {near}, or leave it out"
            yield Problem(f"{path}:1", f"the column '{name}' is not read", near, todo)


def _no_column(path: Path, name: str, names: Sequence[str]) -> Problem:
    there = [one for one in names if one]
    near = closest_name(name, there)
    what = f"there is no column '{name}'" + (f", but '{near}'" if near else "")
    return Problem(f"{path}:1", what, todo=f"name one so; {there_are(there)}")


def _seconds(text: str) -> float | None:
    try:
        return float(text) if text and 0 <= float(text) < math.inf else None
    except ValueError:
        return None
