"""Finds the records in JSON that is no plain list of objects: objects by their ids, columns as lists, rows as lists."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

from contract.storage import FileStorage
from flows.storage.columns import COLUMN_ALIASES, column_path
from flows.storage.guesses import Guess, OnGuess
from flows.storage.rows import Reject
from flows.storage.table_header import HeaderSettings, TableLine, split_header

_KEY = "key"
"""The column of the ids by which objects stand in one; a usual name of a record's id."""

_MOST_LEVELS = 3
"""Objects within objects in which a list of records is looked for."""


def json_text(value: Any) -> str:
    """The value as JSON, for a message."""
    return json.dumps(value, ensure_ascii=False)


def with_names(value: Any, before: Mapping[str, Any]) -> Any:
    """A list of cells as an object, where `columns` before it names them, as pandas writes with `orient="split"`."""
    names: Any = before.get("columns")
    if not isinstance(value, list) or not isinstance(names, list):
        return cast("Any", value)
    cells, called = cast("list[Any]", value), [str(name) for name in cast("list[Any]", names)]
    if len(cells) != len(called) or len(set(called)) < len(called):
        return cells
    return dict(zip(called, cells, strict=True))


def records_in(value: Any, storage: FileStorage, on_guess: OnGuess) -> Iterator[Any]:
    """The records in the only value of a file; itself if it is one."""
    if not isinstance(value, dict) or _is_record(cast("dict[str, Any]", value), storage.columns):
        yield value
        return
    found = _unwrapped(cast("dict[str, Any]", value))
    if (count := _length_of_columns(found)) is not None:
        _tell(f"it holds {len(found):,} columns of {count:,} values", on_guess)
        yield from _rows_of_columns(found)
    elif _are_alike(list(found.values())):
        _tell(f"it holds {len(found):,} objects by their ids, which are called `{_KEY}`", on_guess)
        for key, inner in found.items():
            yield {_KEY if _KEY not in inner else f"({_KEY})": key, **inner}
    elif (only := _only_list(found, storage.columns)) is not None:
        name, rows = only
        _tell(f"it holds {len(rows):,} objects in a list called '{name}'", on_guess)
        yield from rows
    else:
        yield value


def _unwrapped(found: dict[str, Any]) -> dict[str, Any]:
    """The objects by their ids where they are all that the file holds beside single values: `{"data": {"a": {…}}}`."""
    parts: list[Any] = [one for one in found.values() if isinstance(one, dict | list)]
    if len(parts) != 1 or not isinstance(parts[0], dict):
        return found
    inner = cast("dict[str, Any]", parts[0])
    return inner if _are_alike(list(inner.values())) else found


def _only_list(found: Mapping[str, Any], columns: Mapping[str, str]) -> tuple[str, list[Any]] | None:
    """The list of objects that is all that the file holds beside what describes it, with its name, if there is one.

    A record with a list of comments has a text of its own.
    """
    texts = {*COLUMN_ALIASES["text"], *columns.values()}
    places = list(_places(found))
    if any(name in texts or name.lower() in texts for path, _ in places for name in path[-1:]):
        return None
    several = [(".".join(path), cast("list[Any]", value)) for path, value in places if isinstance(value, list)]
    lists = [(name, rows) for name, rows in several if _are_alike(rows)]
    return lists[0] if len(lists) == 1 else None


def _places(value: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every value within objects, and where it stands."""
    for name, inner in value.items():
        yield (*path, name), inner
        if isinstance(inner, dict) and len(path) < _MOST_LEVELS:
            yield from _places(cast("dict[str, Any]", inner), (*path, name))


def _tell(what: str, on_guess: OnGuess) -> None:
    on_guess(Guess("rows", "each", f"{what}, and each is read as a row; if the file is one record, write rows=whole"))


def _is_record(found: Mapping[str, Any], columns: Mapping[str, str]) -> bool:
    """Whether a column that is mapped, or a part of a document, is in the object itself."""
    inside = [column for column in columns.values() if "." in column and column_path(found, column)]
    return bool(inside) or any(name in found for name in ("sections", "images"))


def _length_of_columns(found: Mapping[str, Any]) -> int | None:
    """How many rows there are where the object holds columns: lists, or objects by the number of the row."""
    values = list(found.values())
    if len(values) < 2:
        return None
    if all(isinstance(value, list) for value in values):
        lengths = {len(value) for value in values}
        return lengths.pop() if len(lengths) == 1 and 0 not in lengths else None
    if not all(isinstance(value, dict) for value in values):
        return None
    keys = list(values[0])
    numbered = bool(keys) and all(key.isdecimal() for key in keys)
    return len(keys) if numbered and all(list(value) == keys for value in values) else None


def _rows_of_columns(found: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    columns = [list(value.values()) if isinstance(value, dict) else value for value in found.values()]  # type: ignore[reportUnknownVariableType]
    for cells in zip(*cast("list[list[Any]]", columns), strict=True):
        yield dict(zip(found, cells, strict=True))


def _are_alike(values: Sequence[Any]) -> bool:
    """Whether there are several objects, and all share a field."""
    if len(values) < 2 or not all(isinstance(value, dict) for value in values):
        return False
    return bool(set[str].intersection(*(set(cast("dict[str, Any]", value)) for value in values)))


def named_lists(items: Iterable[tuple[Any, str]], storage: FileStorage, on_guess: OnGuess) -> Iterator[tuple[Any, str]]:
    """Rows that are lists of cells, as objects; what is no list, or has another number of cells, stays as it is."""
    others = list[tuple[Any, str]]()

    def lines() -> Iterator[TableLine | Reject]:
        for number, (value, text) in enumerate(items, start=1):
            if isinstance(value, list):
                yield TableLine(number, cast("list[Any]", value))
            else:
                others.append((value, text))

    settings = HeaderSettings(storage.path, storage.header, storage.columns, storage.encoding)
    names, rows = split_header(lines(), settings, on_guess)
    for row in rows:
        if isinstance(row, TableLine):
            fits = len(row.cells) == len(names)
            value: Any = dict(zip(names, row.cells, strict=True)) if fits else list(row.cells)
            yield value, json_text(value)
    yield from others
