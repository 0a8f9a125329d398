"""Reads a filled-in workbook: every row of its coders' sheets, and why a sheet that looks like one cannot be read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contract.errors import Problem, StudyError
from flows.coding.import_answers import KNOWN_WORDS, YES_WORDS, ReadAnswer
from flows.coding.task import CodingTask
from flows.coding.workbook import FIRST_OPEN, HEADS, LAST_OPEN, VISIBLE, YES, sheet_names
from flows.config.diagnostics import closest_name
from flows.server.command_name import command_text

_NEEDED = tuple(name for name in HEADS if name != "place")
"""The columns without which an answer could be lost, or be read as one to other words."""
_MAX_ROWS_ABOVE = 20
"""Among so many rows that of the columns' names is looked for: people write a title above a table."""
_UNCLEAR = "criterion is unclear"


@dataclass(frozen=True)
class _Sheet:
    """A sheet, and the row in which the names of its columns stand."""

    name: str
    rows: Sequence[Sequence[Any]]
    at: int
    """The place of that row, counted from 0."""

    @classmethod
    def of(cls, name: str, rows: Sequence[Sequence[Any]]) -> _Sheet:
        """The sheet; of its first rows the one that has most of our names is that of the names."""
        known = [len({_cell(value) for value in row} & set(_NEEDED)) for row in rows[:_MAX_ROWS_ABOVE]]
        return cls(name, rows, known.index(max(known)) if known else 0)

    @property
    def heads(self) -> list[str]:
        """The names of its columns."""
        return [_cell(value) for value in self.rows[self.at]] if self.rows else []

    @property
    def has_our_heads(self) -> bool:
        """Whether most of its columns have the names of ours."""
        return 2 * len(set(self.heads) & set(_NEEDED)) > len(_NEEDED)

    @property
    def problem(self) -> str:
        """Why its rows cannot be read; empty where they can."""
        heads = self.heads
        missing = [name for name in _NEEDED if name not in heads]
        twice = sorted({name for name in _NEEDED if heads.count(name) > 1})
        near = {name: close for name in missing if (close := _near(name, heads))}
        found = [f"there is no column '{name}', but '{close}'" for name, close in near.items()]
        if others := [name for name in missing if name not in near]:
            found.append(f"there is no column {', '.join(others)}")
        found += [f"there are several columns '{name}'" for name in twice]
        return "; ".join(found)


def read_workbook(path: Path, task: CodingTask) -> Iterator[ReadAnswer]:
    """Every row of the sheets that are the coding's own, and each sheet that looks like one and cannot be read.

    Raises StudyError for a file that is no workbook, and for one without any such sheet.
    """
    sheets = [_Sheet.of(name, rows) for name, rows in _sheets(path).items()]
    coders = {name.casefold(): coder for name, coder in zip(sheet_names(task.coders), task.coders, strict=True)}
    ours = [sheet for sheet in sheets if sheet.has_our_heads or sheet.name.casefold() in coders]
    if not ours:
        what = f"none of its sheets is of this coding: {', '.join(one.name for one in sheets)}"
        todo = f"import the workbook that `{command_text('code export', 'coding.xlsx')}` has written"
        raise StudyError([Problem(str(path), what, todo=todo)])
    return _rows(path, ours, coders)


def _rows(path: Path, sheets: Sequence[_Sheet], coders: Mapping[str, str]) -> Iterator[ReadAnswer]:
    for sheet in sheets:
        where, coder = f"{path.name}, sheet {sheet.name}", coders.get(sheet.name.casefold(), "")
        if problem := sheet.problem:
            todo = "none of its rows is taken: name the columns as in the workbook that was given out"
            yield ReadAnswer(where, coder, None, "", problem=f"{problem}; {todo}")
            continue
        for number, row in enumerate(sheet.rows[sheet.at + 1 :], start=sheet.at + 2):
            cells = {head: _cell(value) for head, value in zip(sheet.heads, row, strict=False)}
            if any(cells.get(head) for head in HEADS):
                yield _row(cells, f"{where}, row {number}", coder)


def _row(cells: Mapping[str, str], where: str, coder: str) -> ReadAnswer:
    unclear = cells.get(_UNCLEAR, "").casefold()
    return ReadAnswer(
        where, cells.get("coder", ""), cells.get("key") or None, cells.get("verdict", ""), cells.get("reason", ""),
        _lines(cells.get("quotations", "")), unclear in YES_WORDS, cells.get("what the criterion should say", ""),
        content=cells.get("content", ""), beside={name: cells.get(name, "") for name in VISIBLE},
        problem=_row_problem(cells, coder),
    )  # fmt: skip


def _row_problem(cells: Mapping[str, str], coder: str) -> str:
    """What is wrong with a row that somebody has filled in; `coder` is whose sheet it is, where that is known."""
    named, unclear = cells.get("coder", ""), cells.get(_UNCLEAR, "")
    if not any(cells.get(name) for name in HEADS[FIRST_OPEN : LAST_OPEN + 1]):
        return ""
    if coder and named != coder:
        return f"coder '{named}' stands on the sheet of {coder}; write {coder} there, or move the row to its sheet"
    return f"`{_UNCLEAR}` is {YES} or empty, and not '{unclear}'" if unclear.casefold() not in KNOWN_WORDS else ""


def _sheets(path: Path) -> Mapping[str, Sequence[Sequence[Any]]]:
    from python_calamine import CalamineError, PasswordError, load_workbook  # type: ignore[reportUnknownVariableType]

    try:
        book = load_workbook(str(path))
        # With empty rows and columns, since a place in the file is what a message names.
        return {name: book.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in book.sheet_names}
    except BaseException as error:
        # The exception of a file that makes the library's Rust code panic is no `Exception`.
        if not isinstance(error, CalamineError | ValueError) and type(error).__name__ != "PanicException":
            raise
        locked = isinstance(error, PasswordError)
        what = "it is locked with a password" if locked else "this is no workbook that can be read"
        todo = "save a copy without one" if locked else "save it again as .xlsx"
        raise StudyError([Problem(str(path), what, todo=todo)]) from None


def _cell(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _near(name: str, heads: Sequence[str]) -> str | None:
    """The column that is perhaps meant, of those that are none of ours."""
    return closest_name(name, (head for head in heads if head not in HEADS))
