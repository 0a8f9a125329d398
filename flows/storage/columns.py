"""Maps the columns of a row to the fields of a record; every other column goes to metadata."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, cast

COLUMN_ALIASES: Mapping[str, tuple[str, ...]] = {
    "record_id": ("record_id", "id", "_id", "uid", "key"),
    "title": ("title", "name", "headline"),
    "text": ("text", "content", "body", "full_text", "post", "comment", "message", "tweet"),
    "sections": ("sections",),
    "images": ("images",),
    "metadata": ("metadata",),
    "ground_truth": ("ground_truth",),
    "uri": ("uri", "url", "link"),
    "mime": ("mime",),
    "alt_text": (),
}
"""Record field -> the usual names of its column, the likeliest first; compared without case.
`alt_text` describes the first picture, or is a list with a text for each."""
NESTED_FIELDS = ("metadata", "ground_truth", "sections")
"""Fields with parts, such as `metadata.author`."""
REQUIRED_FIELDS = ("record_id", "text")
"""Fields whose column every row must have where `columns` names it."""
_MOST_NAMES, _DEEPEST = 50, 8
"""Names of columns that are told of one row, and how deep within others they may stand."""
_TEXT_FIELDS = ("title", "uri", "mime")


@dataclass(frozen=True)
class ColumnMapping:
    """Where one row's columns go."""

    assigned: tuple[tuple[str, str, Any], ...]
    """(record field, column, value)."""
    rest: Mapping[str, Any]
    """Values that go to metadata under their own names."""


def field_problem(field: str) -> str | None:
    """Why `field` cannot stand in `columns:`, or None."""
    place, _, part = field.partition(".")
    if place not in COLUMN_ALIASES:
        return f"`columns` names no record field: {field}"
    if part and place not in NESTED_FIELDS:
        return f"`{place}` is not made of parts, so `{field}` cannot be set"
    return None


def map_columns(values: Mapping[str, Any], columns: Mapping[str, str]) -> ColumnMapping:
    """Maps that row's columns: as `columns` names them, then by their usual names.

    Raises ValueError when the row lacks the column of the id or the text.
    """
    placed: list[tuple[str, str, Any]] = []
    rest: Mapping[str, Any] = dict(values)
    for field, column in columns.items():
        path = column_path(values, column)
        if path is None and field in REQUIRED_FIELDS:
            raise ValueError(f"has no column '{column}' (for `{field}`); it has {', '.join(map(str, values))}")
        if path is not None:
            placed.append((field, column, _value_at(values, path)))
            rest = _without_path(rest, path)
    for field, column in _columns_by_alias(values, {name for name in values if name not in rest}, set(columns)):
        placed.append((field, column, values[column]))
        rest = _without_path(rest, (column,))
    return ColumnMapping(tuple(placed), rest)


def column_path(values: Mapping[str, Any], column: str) -> tuple[str, ...] | None:
    """The keys that lead to that column, which is dotted for one within another; None when the row lacks it.

    `annotators.*.label` leads to the label of each item of a list.
    """
    if column in values:
        return (column,)
    found: Any = values
    path = tuple(column.split("."))
    for at, part in enumerate(path):
        if part == "*" and isinstance(found, list | tuple):
            rest = ".".join(path[at + 1 :])
            whole = all(_has_path(one, rest) for one in cast("Sequence[Any]", found))
            return path if found and whole else None
        if isinstance(found, Mapping) and part in found:
            found = cast("Mapping[str, Any]", found)[part]
        elif isinstance(found, list | tuple) and part.isdecimal() and int(part) < len(cast("Sequence[Any]", found)):
            found = cast("Sequence[Any]", found)[int(part)]
        else:
            return None
    return path


def column_names(values: Mapping[str, Any]) -> list[str]:
    """The columns of a row as they may be named: those in objects are dotted, `*` is each item of a list."""
    return [".".join(path) for path, _ in islice(_leaves(values, ()), _MOST_NAMES)]


def text_columns(values: Mapping[str, Any]) -> list[str]:
    """Those of them that hold text and are no ids; all where none does."""
    named = [(".".join(path), value) for path, value in islice(_leaves(values, ()), _MOST_NAMES)]
    texts = [name for name, value in named if isinstance(value, str) and name not in COLUMN_ALIASES["record_id"]]
    return texts or [name for name, _ in named]


def _leaves(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    inner: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, Mapping):
        inner = cast("Mapping[Any, Any]", value).items()
    elif isinstance(value, list | tuple):
        inner = [("*", one) for one in cast("Sequence[Any]", value)[:1]]
    for name, one in inner if len(path) < _DEEPEST else ():
        if _has_parts(one):
            yield from _leaves(one, (*path, str(name)))
        else:
            yield (*path, str(name)), one


def _has_parts(value: Any) -> bool:
    """Whether it is an object, or a list of objects or lists; a list of words or numbers is read as a whole."""
    if isinstance(value, list | tuple):
        return any(isinstance(one, Mapping | list | tuple) for one in cast("Sequence[object]", value)[:1])
    return isinstance(value, Mapping) and bool(cast("Mapping[str, Any]", value))


def _value_at(values: Any, path: tuple[str, ...]) -> Any:
    if not path:
        return values
    first, *rest = path
    if isinstance(values, Mapping):
        return _value_at(cast("Mapping[str, Any]", values)[first], tuple(rest))
    items = cast("Sequence[Any]", values)
    return [_value_at(one, tuple(rest)) for one in items] if first == "*" else _value_at(items[int(first)], tuple(rest))


def _has_path(value: Any, rest: str) -> bool:
    return not rest or (isinstance(value, Mapping) and column_path(cast("Mapping[str, Any]", value), rest) is not None)


def _without_path(values: Mapping[str, Any], path: tuple[str, ...]) -> Mapping[str, Any]:
    """`values` without the value at `path`, and without objects that this empties. Lists stay whole."""
    first, *others = path
    inner = values.get(first)
    if others and not isinstance(inner, Mapping):
        return values
    left = _without_path(cast("Mapping[str, Any]", inner), tuple(others)) if others else None
    return {name: left if name == first else value for name, value in values.items() if name != first or left}


def _columns_by_alias(values: Mapping[str, Any], used: set[str], mapped: set[str]) -> Iterator[tuple[str, str]]:
    by_name = {str(name).strip().lower(): str(name) for name in values if name not in used}
    for field, aliases in COLUMN_ALIASES.items():
        if field in mapped:
            continue
        column = next((by_name[name] for name in aliases if name in by_name), None)
        if column is None and field == "record_id":
            column = _single([name for lower, name in by_name.items() if lower.endswith("_id")])
        if column is None or (field in _TEXT_FIELDS and isinstance(values[column], Mapping | list | tuple)):
            continue
        del by_name[column.strip().lower()]
        yield field, column


def _single(names: list[str]) -> str | None:
    return names[0] if len(names) == 1 else None
