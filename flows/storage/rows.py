"""Rows: what a file holds, one mapping a row, before it becomes records. Streams; nothing is held whole.

A row that cannot be read is a `Reject`, which says where and why; it is never passed over in silence.
"""

from __future__ import annotations

import codecs
import csv
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias, cast

from contract.errors import StorageError

MAX_RAW = 500
_UNDECODED = re.compile("[\udc80-\udcff]")
_ARRAY_KEYS = ("records", "data", "items", "rows")


@dataclass(frozen=True)
class Row:
    """One row of a source. `line` counts from 1: a line of the file, or an item of a JSON array."""

    line: int
    values: Mapping[str, Any]
    source: str


@dataclass(frozen=True)
class Reject:
    """A row that could not become a record: where, why in plain words, and its first 500 characters.

    Line 0 stands for a whole file.
    """

    line: int
    reason: str
    raw: str
    source: str = ""

    def __str__(self) -> str:
        return f"{self.source}{f':{self.line}' if self.line else ''}: {self.reason}"


Rows: TypeAlias = Iterator[Row | Reject]


def jsonl_rows(path: Path, encoding: str) -> Rows:
    """One JSON object a line; blank lines are between rows, not rows."""
    with path.open(encoding=_with_mark(encoding), errors="surrogateescape") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                value = json.loads(line)
            except (ValueError, RecursionError) as error:
                yield _reject(number, path, f"not JSON: {error}", line, encoding)
                continue
            yield _object_row(number, path, value, line, encoding)


def json_rows(path: Path, encoding: str) -> Rows:
    """The objects of a JSON array, at the top or under `records`, `data`, `items` or `rows`; or one object alone."""
    import ijson  # type: ignore[reportMissingTypeStubs]

    with path.open("rb") as file:
        prefix = _array_prefix(_recoded(file, encoding))
    with path.open("rb") as file:
        items: Iterator[Any] = ijson.items(_recoded(file, encoding), prefix, use_float=True)
        number = 0
        try:
            for number, value in enumerate(items, start=1):
                yield _object_row(number, path, value, json.dumps(value, ensure_ascii=False), encoding)
        except ijson.JSONError as error:
            raise StorageError(f"{path} is not sound JSON after item {number}: {error}") from None


def table_rows(path: Path, encoding: str, delimiter: str | None) -> Rows:
    """Rows of a table whose first line names the columns; `delimiter` None takes the comma or the semicolon."""
    # The library's limit of 131,072 characters a cell is its only global; whole documents are longer.
    csv.field_size_limit(2**31 - 1)
    with path.open(encoding=_with_mark(encoding), errors="surrogateescape", newline="") as file:
        if delimiter is None:
            first = file.readline()
            delimiter = ";" if first.count(";") > first.count(",") else ","
            file.seek(0)
        reader = csv.reader(file, delimiter=delimiter, strict=True)
        header = _header(reader, path)
        while True:
            start = reader.line_num + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield _reject(start, path, f"the row breaks the rules of a table: {error}", "", encoding)
                continue
            if cells:
                yield _table_row(start, path, header, cells, encoding)


def document_rows(path: Path, encoding: str) -> Rows:
    """A text file, or every .txt and .md file of a folder in the order of their names; front matter is metadata."""
    if path.is_file():
        yield _document(path, path.parent, encoding)
        return
    for file in sorted(item for item in path.rglob("*") if item.is_file() and not item.name.startswith(".")):
        if file.suffix.lower() in {".txt", ".md"}:
            yield _document(file, path, encoding)
        else:
            yield Reject(0, "neither .txt nor .md, so it was not read", "", str(file))


def _document(path: Path, root: Path, encoding: str) -> Row | Reject:
    text = path.read_text(encoding=_with_mark(encoding), errors="surrogateescape")
    if _UNDECODED.search(text):
        return _reject(1, path, "", text, encoding)
    values, body = _front_matter(text)
    heading = re.search(r"^#\s+(.+)$", body, re.MULTILINE) if path.suffix.lower() == ".md" else None
    name = path.relative_to(root).with_suffix("").as_posix()
    defaults = {"record_id": name, "title": heading[1].strip() if heading else path.stem}
    return Row(1, {**defaults, **values, "text": body.strip()}, str(path))


def _front_matter(text: str) -> tuple[dict[str, Any], str]:
    import yaml

    found = re.match(r"---\s*\n(.*?)\n---\s*(?:\n|$)", text, re.DOTALL)
    if not found:
        return {}, text
    try:
        values: Any = yaml.safe_load(found[1])
    except yaml.YAMLError:
        return {}, text
    if not isinstance(values, dict):
        return {}, text
    plain = json.loads(json.dumps(values, default=str))
    return cast("dict[str, Any]", plain), text[found.end() :]


def _array_prefix(file: Any) -> str:
    import ijson  # type: ignore[reportMissingTypeStubs]

    try:
        for prefix, event, _ in ijson.parse(file):
            if event == "start_array" and prefix in ("", *_ARRAY_KEYS):
                return f"{prefix}.item" if prefix else "item"
    except ijson.JSONError as error:
        raise StorageError(f"{file.name} is not sound JSON: {error}") from None
    return ""


def _recoded(file: BinaryIO, encoding: str) -> Any:
    return codecs.EncodedFile(file, "utf-8", _with_mark(encoding))


def _with_mark(encoding: str) -> str:
    # Files saved by Excel start with a byte order mark, which is no part of the first column's name.
    return "utf-8-sig" if codecs.lookup(encoding).name == "utf-8" else encoding


def _header(reader: Iterator[list[str]], path: Path) -> list[str]:
    nothing: list[str] = []
    try:
        header = [cell.strip() for cell in next(reader, nothing)]
    except csv.Error as error:
        raise StorageError(f"{path}:1: the column names cannot be read: {error}") from None
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise StorageError(f"{path}:1: two columns have the same name: {', '.join(twice)}")
    return header


def _table_row(number: int, path: Path, header: list[str], cells: list[str], encoding: str) -> Row | Reject:
    raw = ",".join(cells)
    if len(cells) != len(header):
        return _reject(number, path, f"has {len(cells)} cells, but there are {len(header)} columns", raw, encoding)
    return _object_row(number, path, dict(zip(header, cells, strict=True)), raw, encoding)


def _object_row(number: int, path: Path, value: Any, raw: str, encoding: str) -> Row | Reject:
    if not isinstance(value, dict):
        return _reject(number, path, f"not an object with named fields but {type(value).__name__}", raw, encoding)
    if _UNDECODED.search(raw):
        return _reject(number, path, "", raw, encoding)
    return Row(number, cast("dict[str, Any]", value), str(path))


def _reject(number: int, path: Path, reason: str, raw: str, encoding: str) -> Reject:
    if _UNDECODED.search(raw):
        reason = f"holds bytes that are not {encoding}; if the file is from Excel, try `encoding: cp1252`"
    return Reject(number, reason, raw[:MAX_RAW].encode(errors="replace").decode().rstrip("\n"), str(path))
