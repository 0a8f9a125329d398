"""Makes a record of a row, or a Reject with the reason; nothing is guessed, shortened or replaced."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeGuard, cast

from pydantic import ValidationError

from contract.base import digest
from contract.errors import StorageError
from contract.record import Record
from flows.storage.columns import (
    COLUMN_ALIASES,
    NESTED_FIELDS,
    REQUIRED_FIELDS,
    ColumnMapping,
    field_problem,
    map_columns,
    text_columns,
)
from flows.storage.image_files import image_parts
from flows.storage.nested_rows import list_paths
from flows.storage.page_records import is_address
from flows.storage.rows import MAX_RAW_CHARACTERS, Reject, RepeatedRecord, Row
from flows.storage.values import MAX_DEPTH, is_too_deep, label_or_none, missing_value_reason, to_json_value, without_nan

_MAX_EXACT_INTEGER = 2**53
_ROUNDED_ID = re.compile(r"\d([.,]\d+)?[Ee]\+?(1\d|2\d)")
"""A long number as a spreadsheet writes it, such as 1.29403E+18: its last digits are lost."""
_CONTENT_FIELDS = ("text", "sections", "images")
_JSON_FIELDS = (*NESTED_FIELDS, "images", "alt_text")


class AnotherAnswer(ValueError):
    """A row that repeats a record, with an answer of people of its own."""


class _FirstRow(NamedTuple):
    """Where an id was seen first, and a digest of the content there."""

    place: int | str
    content: bytes


class RecordMaker:
    """Makes records of one source's rows; remembers their ids, and rejects an id that comes twice."""

    def __init__(self, columns: Mapping[str, str], folder: Path | None = None, *, fetch: bool = False) -> None:
        """`columns`: record field -> column, both may be dotted. `folder`: where the pictures are. `fetch`: whether
        the text of a row without one is its address.

        Raises StorageError for an unknown field.
        """
        problems = [mistake for field in columns if (mistake := field_problem(field))]
        if problems:
            raise StorageError(f"{'; '.join(problems)}; the fields are {', '.join(COLUMN_ALIASES)}")
        self._columns = columns
        self._folder = folder
        self._fetch = fetch
        self._seen_ids: dict[bytes, _FirstRow] = {}
        self._equal_rows: dict[bytes, int] = {}

    def make_record(self, row: Row) -> Record | Reject:
        """The row as a record, or a Reject with the reason."""
        if is_too_deep(row.values):
            return Reject(row.line, f"its values are nested more than {MAX_DEPTH} deep", "", row.source)
        raw = json.dumps(row.values, ensure_ascii=False, default=_json_default)
        try:
            # A lone surrogate is valid in JSON's escapes but in no file or database.
            raw.encode()
            fields = self._record_fields(row)
            fields["record_id"] = self._record_id(fields, row)
            return Record.model_validate(fields)
        except AnotherAnswer as error:
            return RepeatedRecord(row.line, str(error), raw[:MAX_RAW_CHARACTERS], row.source)
        except ValidationError as error:
            reason = _validation_message(error)
        except UnicodeEncodeError:
            reason = "holds half of a character (a lone surrogate)"
        except ValueError as error:
            reason = str(error)
        return Reject(row.line, reason, raw[:MAX_RAW_CHARACTERS].encode(errors="replace").decode(), row.source)

    def _record_id(self, fields: Mapping[str, Any], row: Row) -> str:
        record_id = str(fields.get("record_id") or "").strip()
        if record_id:
            key = digest(record_id).encode()[:16]
            content = digest({name: value for name, value in fields.items() if name in _CONTENT_FIELDS}).encode()[:16]
            if (first := self._seen_ids.get(key)) is not None:
                raise _repeated_id(record_id, first, content, "ground_truth" in fields)
            self._seen_ids[key] = _FirstRow(row.line or Path(row.source).name, content)
            return record_id
        name = digest(fields)[:16]
        key = name.encode()
        count = self._equal_rows[key] = self._equal_rows.get(key, 0) + 1
        # Two rows without ids may be equal; the second is still another item.
        return name if count == 1 else f"{name}-{count}"

    def _record_fields(self, row: Row) -> dict[str, Any]:
        mapping = map_columns(row.values, self._columns)
        if self._fetch:
            mapping = _address_as_text(mapping)
        if not any(field.partition(".")[0] in _CONTENT_FIELDS for field, _, _ in mapping.assigned):
            columns = ", ".join(text_columns(row.values))
            lists = ", ".join(list_paths(row.values))
            items = f"; to read each item of a list in it as a row, write rows=… with one of {lists}" if lists else ""
            raise ValueError(f"no column is known to hold the text; write columns.text=… with one of {columns}{items}")
        fields: dict[str, Any] = {}
        for field, column, value in mapping.assigned:
            place = field.partition(".")[0]
            if place in (*REQUIRED_FIELDS, "sections"):
                _check_value(field, value)
            if place == "ground_truth" and not row.typed:
                value = label_or_none(value)
            if place in _JSON_FIELDS:
                _set_field(fields, field, value if place == "images" else to_json_value(without_nan(value)))
            else:
                fields[field] = _text_value(field, column, value)
        if mapping.rest:
            fields["metadata"] = {**to_json_value(without_nan(mapping.rest)), **fields.get("metadata", {})}
        self._load_images(fields, row)
        if row.locators and fields.get("text") == row.values.get("text"):
            fields["locators"] = row.locators
        return {name: value for name, value in fields.items() if value is not None}

    def _load_images(self, fields: dict[str, Any], row: Row) -> None:
        """Replaces the names of pictures by the pictures."""
        alt_texts = fields.pop("alt_text", None)
        if (sources := fields.pop("images", None)) is not None:
            found = image_parts(
                [sources] if row.typed and isinstance(sources, str) else sources, alt_texts, self._folder
            )
            if found:
                fields["images"] = found


def _address_as_text(mapping: ColumnMapping) -> ColumnMapping:
    """The mapping, with the row's address as its text where it has no other."""
    values = {field: (column, value) for field, column, value in mapping.assigned}
    _, text = values.get("text", ("", None))
    column, address = values.get("uri", ("", None))
    if not is_address(address) or not (missing_value_reason(text) or not str(text or "").strip()):
        return mapping
    others = tuple(one for one in mapping.assigned if one[0] != "text")
    return ColumnMapping((*others, ("text", column, address)), mapping.rest)


def _repeated_id(record_id: str, first: _FirstRow, content: bytes, has_answer: bool) -> ValueError:
    location = f"in {first.place}" if isinstance(first.place, str) else f"on line {first.place}"
    if has_answer and content == first.content:
        return AnotherAnswer(
            f"the id '{record_id}' was there before, {location}, with the same text: another answer to it, as in a "
            "table with one row for each annotator"
        )
    return ValueError(f"the id '{record_id}' was there before, {location}; ids must be unique")


def _set_field(fields: dict[str, Any], field: str, value: Any) -> None:
    place, _, part = field.partition(".")
    if part:
        *parents, last = [part] if place == "sections" else part.split(".")
        target = fields[place] = dict(fields.get(place) or {})
        for name in parents:
            inner = target.get(name)
            target[name] = dict(cast("dict[str, Any]", inner)) if isinstance(inner, dict) else {}
            target = target[name]
        if value is not None or place != "sections":
            target[last] = value
        return
    value = _parse_json_cell(value)
    if place in NESTED_FIELDS and value is not None:
        named = cast("dict[str, Any]", value) if isinstance(value, dict) else {_default_part(place): value}
        if place == "sections":
            named = {name: text for name, text in named.items() if text is not None}
        fields[place] = {**named, **(fields.get(place) or {})}
    elif value is not None:
        fields[place] = value


def _default_part(place: str) -> str:
    return "label" if place == "ground_truth" else place


def _parse_json_cell(value: Any) -> Any:
    """The value of a table's cell, parsed where it is an object or a list written as JSON."""
    if isinstance(value, str):
        if not value.strip():
            return None
        if value.lstrip()[0] in "{[":
            try:
                found = json.loads(value)
                return value if is_too_deep(found) else without_nan(found)
            except (ValueError, RecursionError):
                return value
    return value


def _check_value(field: str, value: Any) -> None:
    inner = list(cast("Mapping[str, Any]", value).values()) if isinstance(value, Mapping) else [value]
    for one in inner:
        if reason := missing_value_reason(one):
            raise ValueError(f"`{field}` is {reason}")


def _text_value(field: str, column: str, value: Any) -> str | None:
    if missing_value_reason(value):
        return None
    if isinstance(value, Mapping):
        parts = ", ".join(f"{column}.{name}" for name in list(cast("Mapping[str, Any]", value))[:4])
        raise ValueError(f"`{field}` is an object, not text; name a part of it as its column: {parts}")
    if isinstance(value, str) and field == "record_id" and _ROUNDED_ID.fullmatch(value.strip()):
        raise ValueError(
            f"the id {value.strip()} was rounded by a spreadsheet; take the ids from where the texts come from, or "
            f"write columns.metadata.{column}={column}, so that each text gets an id from its content"
        )
    if field == "text" and is_word_list(value):
        return " ".join(value)
    if isinstance(value, list | tuple | bytes):
        raise ValueError(f"`{field}` is {'binary' if isinstance(value, bytes) else 'a list'}, not text")
    if field == "record_id" and isinstance(value, float) and abs(value) >= _MAX_EXACT_INTEGER:
        raise ValueError(f"the id {value:g} was rounded where the file was made; write ids as text there")
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if value is None or isinstance(value, str) else str(value)


def is_word_list(value: Any) -> TypeGuard[Sequence[str]]:
    """Whether a text is a list of its words, as in data that was cut into words."""
    words = cast("Sequence[Any]", value) if isinstance(value, list | tuple) else ()
    return bool(words) and all(isinstance(word, str) for word in words)


def _json_default(value: Any) -> str:
    return f"({len(value)} bytes)" if isinstance(value, bytes) else str(value)


def _validation_message(error: ValidationError) -> str:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    return f"{where}: {message}" if where else message
