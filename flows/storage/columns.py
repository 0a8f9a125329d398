"""Columns: a row's fields put in their places in a record; what has no place goes to metadata."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, cast

from pydantic import ValidationError

from contract.base import digest
from contract.errors import StorageError
from contract.record import Record
from flows.storage.rows import Reject, Row

USUAL: Mapping[str, tuple[str, ...]] = {
    "record_id": ("record_id", "id", "_id", "uid", "key"),
    "title": ("title", "name", "headline"),
    "text": ("text", "content", "body", "full_text", "post", "comment", "message", "tweet"),
    "sections": ("sections",),
    "images": ("images",),
    "metadata": ("metadata",),
    "ground_truth": ("ground_truth",),
    "uri": ("uri", "url", "link"),
    "mime": ("mime",),
}
"""Record field -> names by which sources usually call it, the likeliest first; compared without case."""
_NESTED = ("metadata", "ground_truth", "sections")
_OBJECTS = ("metadata", "ground_truth", "sections", "images")


class RecordMaker:
    """Makes records of one source's rows; remembers the ids, so that none comes twice."""

    def __init__(self, columns: Mapping[str, str]) -> None:
        """`columns`: record field -> column, either of them dotted. Raises StorageError for an unknown field."""
        unknown = [field for field in columns if field.split(".")[0] not in USUAL]
        if unknown:
            raise StorageError(f"`columns` names no record field: {', '.join(unknown)}; the fields are {[*USUAL]}")
        self._columns = columns
        self._seen: dict[bytes, int] = {}

    def make(self, row: Row) -> Record | Reject:
        """The row as a record, or why it cannot be one."""
        raw = json.dumps(row.values, ensure_ascii=False, default=str)
        try:
            # A lone surrogate is valid in JSON's escapes but in no file or database.
            raw.encode()
            fields = self._fields(row.values)
            fields["record_id"] = self._identify(fields)
            return Record.model_validate(fields)
        except ValidationError as error:
            reason = _plain(error)
        except UnicodeEncodeError:
            reason = "holds half of a character (a lone surrogate)"
        except ValueError as error:
            reason = str(error)
        return Reject(row.line, reason, raw[:500].encode(errors="replace").decode(), row.source)

    def _identify(self, fields: Mapping[str, Any]) -> str:
        given = str(fields.get("record_id") or "").strip()
        name = given or digest(json.loads(json.dumps(fields, default=str)))[:16]
        mark = digest(name).encode()[:16]
        count = self._seen[mark] = self._seen.get(mark, 0) + 1
        if count == 1:
            return name
        if given:
            raise ValueError(f"the id '{given}' was there before; ids must be unique")
        # Rows without ids may be alike; the second is another item all the same.
        return f"{name}-{count}"

    def _fields(self, values: Mapping[str, Any]) -> dict[str, Any]:
        fields: dict[str, Any] = {}
        used: set[str] = set()
        for field, column in self._columns.items():
            present, value = _look_up(values, column)
            if present:
                used.add(column if column in values else column.split(".")[0])
                _put(fields, field, value)
            elif field in ("record_id", "text"):
                raise ValueError(f"has no column '{column}' (for `{field}`); it has {', '.join(map(str, values))}")
        for field, column in _usual_columns(values, {*used}, set(self._columns)):
            used.add(column)
            _put(fields, field, values[column])
        rest = {name: value for name, value in values.items() if name not in used}
        if rest:
            fields["metadata"] = {**rest, **fields.get("metadata", {})}
        return {name: value for name, value in fields.items() if value is not None}


def _usual_columns(values: Mapping[str, Any], used: set[str], mapped: set[str]) -> Iterator[tuple[str, str]]:
    by_name = {str(name).strip().lower(): str(name) for name in values if name not in used}
    for field, usual in USUAL.items():
        if field in mapped:
            continue
        column = next((by_name[name] for name in usual if name in by_name), None)
        if column is None and field == "record_id":
            column = _only([name for lower, name in by_name.items() if lower.endswith("_id")])
        if column is not None:
            del by_name[column.strip().lower()]
            yield field, column


def _only(names: list[str]) -> str | None:
    return names[0] if len(names) == 1 else None


def _look_up(values: Mapping[str, Any], column: str) -> tuple[bool, Any]:
    if column in values:
        return True, values[column]
    found: Any = values
    for part in column.split("."):
        if not isinstance(found, Mapping) or part not in found:
            return False, None
        found = cast("Mapping[str, Any]", found)[part]
    return True, found


def _put(fields: dict[str, Any], field: str, value: Any) -> None:
    place, _, key = field.partition(".")
    if key:
        if place not in _NESTED:
            raise ValueError(f"`{place}` is not made of parts, so `{field}` cannot be set")
        fields[place] = {**fields.get(place, {}), key: value}
    elif place in _OBJECTS:
        parsed = _parsed(value)
        if place in _NESTED and parsed is not None:
            parsed = cast("dict[str, Any]", parsed) if isinstance(parsed, dict) else _named(place, parsed)
            parsed = {**parsed, **fields.get(place, {})}
        fields[place] = parsed
    else:
        fields[place] = value if value is None or isinstance(value, str) else _as_text(value)


def _parsed(value: Any) -> Any:
    """A table's cell may hold an object written as JSON."""
    if isinstance(value, str):
        if not value.strip():
            return None
        if value.lstrip()[0] in "{[":
            try:
                return json.loads(value)
            except ValueError:
                return value
    return value


def _named(place: str, value: Any) -> dict[str, Any]:
    return {"label" if place == "ground_truth" else place: value}


def _as_text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)


def _plain(error: ValidationError) -> str:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    return f"{where}: {message}" if where else message
