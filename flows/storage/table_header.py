"""Finds the names of a table's columns: in its first row, in another one, in several, or nowhere.

Published tables often have no row of names, and exports of Qualtrics have three. A table is taken for one without names
only where its first row itself shows that it is data, and no name that is looked for stands in it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any, TypeAlias

from contract.errors import StorageError
from flows.storage.columns import COLUMN_ALIASES
from flows.storage.encodings import undecodable_message
from flows.storage.guesses import Guess, OnGuess
from flows.storage.rows import Reject, has_undecodable_bytes

_LOOK_AHEAD = 100
"""Rows that a guess is made from."""
_MOST_RENAMED = 12
_MAX_COLUMNS = 20_000
_NAMES = frozenset(name for names in COLUMN_ALIASES.values() for name in names)
_QUALTRICS_ID = '{"ImportId":'
_DATE = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:.*)?|\d{1,2}[./]\d{1,2}[./]\d{4}")
_FIGURE = re.compile(r"-?\d+([.,]\d+)?")
_SURVEYMONKEY = frozenset({"Response", "Open-Ended Response"})
_ADDRESSED = re.compile(r"@\w+\s|https?://")


@dataclass(frozen=True)
class TableLine:
    """One row of a table: where it begins, and its cells."""

    number: int
    cells: Sequence[Any]


Lines: TypeAlias = Iterator[TableLine | Reject]


@dataclass(frozen=True)
class HeaderSettings:
    """What is set of a table's columns."""

    path: Path
    header: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict[str, str])
    encoding: str = "utf-8"


def split_header(lines: Lines, settings: HeaderSettings, on_guess: OnGuess) -> tuple[list[str], Lines]:
    """The columns' names, and the rows below them.

    Raises StorageError when the names cannot be read, or a column that is mapped has the name of another one.
    """
    ahead = list(islice(lines, _LOOK_AHEAD))
    if not ahead:
        return [], iter(())
    header = settings.header or _guess_header(ahead, settings, on_guess)
    if header == "none":
        width = max((len(line.cells) for line in ahead if isinstance(line, TableLine)), default=0)
        return [str(number) for number in range(1, width + 1)], chain(ahead, lines)
    first, _, last = ("1-3" if header == "qualtrics" else header).partition("-")
    rows = ahead[int(first) - 1 : int(last or first)]
    if not rows:
        raise StorageError(f"{settings.path} has only {len(ahead)} rows, so none is row {first} (`header`)")
    if reject := next((row for row in rows if isinstance(row, Reject)), None):
        raise StorageError(f"{settings.path}:{reject.line}: the column names cannot be read: {reject.reason}")
    named = [row for row in rows if isinstance(row, TableLine)]
    cells = named[0].cells if header == "qualtrics" else _filled(named)
    names = column_names(list(map(str, cells)), settings, named[0].number, on_guess)
    return names, chain(ahead[int(last or first) :], lines)


def _filled(rows: Sequence[TableLine]) -> list[Any]:
    """The cells of the first row; an empty one is filled by the first cell below it that is not."""
    width = max(len(row.cells) for row in rows)
    padded = [[*row.cells, *[""] * (width - len(row.cells))] for row in rows]
    return [next((cell for cell in column if str(cell).strip()), "") for column in zip(*padded, strict=True)]


def column_names(cells: Iterable[str], settings: HeaderSettings, line: int, on_guess: OnGuess) -> list[str]:
    """The columns' names; one without a name is `column` and its number, and one that is mapped by its number is that.

    Raises StorageError when two names are the same and one is mapped, a name cannot be decoded or holds null bytes, or
    there are more than 20,000.
    """
    where = f"{settings.path}:{line}"
    header = [cell.strip() or f"column {number}" for number, cell in enumerate(cells, start=1)]
    if has_undecodable_bytes("".join(header)):
        message = undecodable_message(settings.encoding, settings.path, "".join(header))
        raise StorageError(f"{where}: the row of column names {message}")
    if any("\x00" in name for name in header):
        raise StorageError(
            f"{where}: null bytes among the column names: perhaps text in UTF-16; try `encoding: utf-16`"
        )
    if len(header) > _MAX_COLUMNS:
        raise StorageError(f"{where}: {len(header):,} columns are more than {_MAX_COLUMNS:,}; is it a table?")
    numbers = {name for name in settings.columns.values() if name.isdecimal() and name not in header}
    header = [str(number) if str(number) in numbers else name for number, name in enumerate(header, start=1)]
    return _unique(header, settings, where, on_guess)


def _unique(header: list[str], settings: HeaderSettings, where: str, on_guess: OnGuess) -> list[str]:
    """The names, each once: the second `score` is `score (2)`."""
    doubled = sorted(name for name, times in Counter(header).items() if times > 1)
    if not doubled:
        return header
    usual = {name for field, names in COLUMN_ALIASES.items() if field not in settings.columns for name in names}
    wanted = [name for name in doubled if name in settings.columns.values() or name.lower() in usual]
    if wanted:
        at = next(number for number, name in enumerate(header, start=1) if name == wanted[0])
        raise StorageError(
            f"{where}: two columns have the same name: {', '.join(wanted)}; rename one of them, or name the column "
            f"that is meant by its number, such as {at}"
        )
    taken, numbers, unique = set(header), Counter[str](), list[str]()
    for name in header:
        numbers[name] += 1
        called = name
        # Another column may have that very name. Counting goes on, so that many equal names take no longer each.
        while numbers[name] > 1 and (called := f"{name} ({numbers[name]})") in taken:
            numbers[name] += 1
        unique.append(called)
    renamed = [f"'{called}'" for name, called in zip(header, unique, strict=True) if name != called]
    more = f" and {len(renamed) - _MOST_RENAMED:,} more" if len(renamed) > _MOST_RENAMED else ""
    message = f"several columns have one name, so the later ones are {', '.join(renamed[:_MOST_RENAMED])}{more}"
    on_guess(Guess("columns", ", ".join(doubled), message))
    return unique


def _guess_header(ahead: Sequence[TableLine | Reject], settings: HeaderSettings, on_guess: OnGuess) -> str:
    rows = [[str(cell) for cell in line.cells] for line in ahead if isinstance(line, TableLine)]
    if len(rows) > 2 and any(cell.startswith(_QUALTRICS_ID) for cell in rows[2]):
        message = (
            "its second and third row are the wording of the questions and the ids of Qualtrics, so they are no "
            "answers and are left out; if they are, write header=1"
        )
        on_guess(Guess("header", "qualtrics", message))
        return "qualtrics"
    if sign := _sign_of_second_names(rows):
        message = f"its second row is no answer ({sign}), so it is read with the names; if it is data, write header=1"
        on_guess(Guess("header", "1-2", message))
        return "1-2"
    if isinstance(ahead[0], TableLine) and (sign := _sign_of_data(rows, settings.columns.values())):
        message = (
            f"its first row looks like data ({sign}), so it is read as data and the columns are called 1, 2, 3; "
            "if it names the columns, write header=1"
        )
        on_guess(Guess("header", "none", message))
        return "none"
    if rows and any(name.isdecimal() and name not in rows[0] for name in settings.columns.values()):
        message = (
            f"its first row, which begins with '{rows[0][0][:40]}', is read as the names of the columns; if it is "
            "data, write header=none"
        )
        on_guess(Guess("header", "1", message))
    return "1"


def _sign_of_second_names(rows: Sequence[Sequence[str]]) -> str | None:
    """What shows that the second row holds wordings of questions, as SurveyMonkey and LimeSurvey write them, in words.

    Numbers and dates tell: where two columns hold nothing else, an answer has them as well.
    """
    if len(rows) < 4:
        return None
    names, below = rows[1], rows[2:]
    typed = [at for at in range(len(names)) if all(at < len(row) and _is_figure(row[at]) for row in below)]
    if typed and _SURVEYMONKEY.intersection(names) and not any(names[at].strip() for at in typed):
        return f"it says '{next(cell for cell in names if cell in _SURVEYMONKEY)}', as SurveyMonkey does"
    if len(typed) > 1 and all(names[at].strip() and not _is_figure(names[at]) for at in typed):
        return f"'{names[typed[0]][:40]}' stands above {below[0][typed[0]]}, {below[1][typed[0]]}"
    return None


def _is_figure(cell: str) -> bool:
    return bool(_FIGURE.fullmatch(cell.strip()) or _DATE.fullmatch(cell.strip()))


def _sign_of_data(rows: Sequence[Sequence[str]], mapped: Iterable[str]) -> str | None:
    """What shows that the first row is data, in words; None where it may name the columns."""
    first, others = rows[0], [row for row in rows[1:] if len(row) == len(rows[0])]
    names = {cell.strip() for cell in first}
    # A number may be a column's place as well as a name, as `1` is in tables of labels 0 and 1.
    words = {part for name in mapped if not name.isdecimal() for part in (name, name.partition(".")[0])}
    if len(others) < 2 or names & words:
        return None
    if any(name.lower() in _NAMES or name.lower().endswith("_id") for name in names) or list(first) in others:
        return None
    for at, cell in enumerate(first):
        below = [row[at] for row in others]
        if cell.strip() and cell in below:
            return f"'{cell[:40]}' stands again in column {at + 1}"
        if cell.isdecimal() and below[:2] == [str(int(cell) + 1), str(int(cell) + 2)]:
            return f"column {at + 1} counts {cell}, {below[0]}, {below[1]}"
        if _DATE.fullmatch(cell) and all(_DATE.fullmatch(one) for one in below):
            return f"column {at + 1} holds dates, also in the first row"
        if _ADDRESSED.match(cell):
            return f"column {at + 1} begins with '{cell[:20]}'"
    return None
