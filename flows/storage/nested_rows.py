"""Makes rows of the items of a list within each row, as `rows: paragraphs.qas` names it.

    {"title": "Normans", "paragraphs": [{"context": "…", "qas": [{"id": 1}, {"id": 2}]}]}

are two rows, each with the `context` and the `title` that it stands below.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from flows.config.diagnostics import closest_name, there_are
from flows.storage.guesses import Guess, OnGuess, ignore_guess
from flows.storage.rows import MAX_RAW_CHARACTERS, Reject, Row, Rows

_MOST_LISTS = 4
_DEEPEST = 8
"""Lists within lists that are looked at for advice."""


def rows_within(rows: Rows, path: str, on_guess: OnGuess = ignore_guess) -> Rows:
    """Each item of the lists at that dotted path as a row, with the fields of what it stands in; counted from 1.

    The path begins within a row; names above it, of lists that the reader has taken the rows from, may stand before.
    A row without the list is a Reject. A list without items gives no row, which `on_guess` is told once all are read.
    """
    parts = [part for part in path.split(".") if part != "*"]
    count, empty = 0, list[Row]()
    for row in rows:
        if isinstance(row, Reject):
            yield row
            continue
        names = _within(row.values, parts)
        if names is None:
            yield Reject(row.line, _no_list(row.values, path), str(dict(row.values))[:MAX_RAW_CHARACTERS], row.source)
            continue
        before = count
        for values in _items(row.values, names, {}):
            count += 1
            if isinstance(values, Mapping):
                yield Row(count, cast("Mapping[str, Any]", values), row.source, row.typed)
            elif values is None:
                yield Reject(count, f"lacks the list of `rows` {path} in one of its parts", "", row.source)
            else:
                yield Reject(count, f"an item of `rows` {path} is no object", str(values)[:100], row.source)
        if count == before:
            empty.append(row)
    if empty:
        on_guess(Guess("rows", path, _nothing_made_of(empty, path)))


def _nothing_made_of(empty: Sequence[Row], path: str) -> str:
    first = empty[0].line
    if len(empty) == 1:
        return f"the row {first} holds no item in the list of `rows` {path}, so no record is made of it"
    many = f"{len(empty):,} rows, the first {first}, hold"
    return f"{many} no item in the list of `rows` {path}, so no records are made of them"


def readings_of_lists(row: Row) -> dict[str, Mapping[str, Any]]:
    """Each list of objects in the row, as `rows` names it -> the first row that it would give."""
    found = dict[str, Mapping[str, Any]]()
    for path in list_paths(row.values)[:_MOST_LISTS]:
        first = next((one for one in rows_within(iter([row]), path) if isinstance(one, Row)), None)
        if first is not None:
            found[path] = first.values
    return found


def list_paths(values: Mapping[str, Any]) -> list[str]:
    """The dotted paths of the lists of objects in a row, as `rows` names them; the deepest last."""
    return [".".join(path) for path in sorted(_lists(values, ()), key=len)]


def _lists(value: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for name, inner in value.items() if len(path) < _DEEPEST else ():
        here = (*path, str(name))
        if isinstance(inner, Mapping):
            yield from _lists(cast("Mapping[str, Any]", inner), here)
        elif (objects := _objects(inner)) is not None and objects:
            yield here
            found = dict.fromkeys(one for item in objects for one in _lists(item, here))
            yield from found


def _objects(value: Any) -> list[Mapping[str, Any]] | None:
    """The items of a list of objects, which may be empty; None for anything else."""
    if not isinstance(value, list | tuple):
        return None
    items = cast("Sequence[Any]", value)
    return [*cast("Sequence[Mapping[str, Any]]", items)] if all(isinstance(one, Mapping) for one in items) else None


def _within(values: Mapping[str, Any], parts: Sequence[str]) -> Sequence[str] | None:
    """The names that lead to the list from within the row; None where none of the path's ends does."""
    ends = (parts[start:] for start in range(len(parts)))
    return next((names for names in ends if _leads_to_list(values, names)), None)


def _leads_to_list(value: Any, names: Sequence[str]) -> bool:
    if not names:
        return isinstance(value, list | tuple)
    if isinstance(value, list | tuple):
        # A list may be empty, or lack the inner one in some of its items.
        items = cast("Sequence[Any]", value)
        return not items or any(_leads_to_list(one, names) for one in items)
    if not isinstance(value, Mapping):
        return False
    fields = cast("Mapping[str, Any]", value)
    return names[0] in fields and _leads_to_list(fields[names[0]], names[1:])


def _items(value: Any, names: Sequence[str], outer: Mapping[str, Any]) -> Iterator[Any]:
    """The items of the list, each with the fields of what it stands in; its own have their names before those.

    None where a part lacks the list.
    """
    if isinstance(value, list | tuple):
        for one in cast("Sequence[Any]", value):
            yield from _items(one, names, outer)
    elif not isinstance(value, Mapping):
        yield value
    elif not names:
        yield _joined(cast("Mapping[str, Any]", value), outer)
    else:
        fields = cast("Mapping[str, Any]", value)
        around = {name: one for name, one in fields.items() if name != names[0]}
        inner = fields.get(names[0])
        yield from [None] if inner is None else _items(inner, names[1:], _joined(around, outer))


def _joined(own: Mapping[str, Any], outer: Mapping[str, Any]) -> dict[str, Any]:
    """Both, where a name of the outer that is one of its own, too, stands in brackets."""
    joined = dict(own)
    for name, value in outer.items():
        while name in joined:
            name = f"({name})"
        joined[name] = value
    return joined


def _no_list(values: Mapping[str, Any], path: str) -> str:
    known = list_paths(values)
    near = closest_name(path, [*known, "answers", "whole"])
    hint = f"; did you mean '{near}'?" if near else ""
    lists = there_are(known) if known else "it holds no list of objects"
    return f"`rows` names '{path}', which is no list in this row{hint}; {lists}"
