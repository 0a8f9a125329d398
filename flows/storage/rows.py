"""Rows of a source, one mapping each, before they become records.

A row that cannot be read is a `Reject`, which names the place and the reason; it is never left out silently.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, cast

from contract.errors import StorageError
from contract.record import Locator
from flows.storage.encodings import BYTE_ORDER_MARKS, UNDECODED, undecodable_message

MAX_RAW_CHARACTERS = 500
"""Characters of a rejected row that are kept."""


@dataclass(frozen=True)
class Row:
    """One row of a source.

    `line` counts from 1: a line of a text or a sheet, an item of a JSON array, a row of a Parquet file or dataset.
    0 stands for a whole document.
    """

    line: int
    values: Mapping[str, Any]
    source: str
    typed: bool = True
    """False for tables whose cells can hold only text."""
    locators: tuple[Locator, ...] = ()
    """The pages of the value `text`."""


@dataclass(frozen=True)
class Reject:
    """A row that could not become a record: its place, the reason in plain words, and its first 500 characters.

    Line 0 stands for a whole file.
    """

    line: int
    reason: str
    raw: str
    source: str = ""

    def __str__(self) -> str:
        return f"{self.source}{f':{self.line}' if self.line else ''}: {self.reason}"


@dataclass(frozen=True)
class RepeatedRecord(Reject):
    """A row that repeats a record with another answer of people, as in a table with one row for each annotator."""


Rows: TypeAlias = Iterator[Row | Reject]


def bom_aware_encoding(encoding: str) -> str:
    """The encoding, changed so that the byte order mark at the start of files saved by Excel is left out."""
    return "utf-8-sig" if codecs.lookup(encoding).name == "utf-8" else encoding


def encoding_mismatch(path: Path, encoding: str) -> str | None:
    """Why the file cannot be in that encoding, when its byte order mark is that of another one; else None."""
    with path.open("rb") as file:
        start = file.read(4)
    encoding_of_bom = next((name for mark, name in BYTE_ORDER_MARKS if start.startswith(mark)), None)
    if encoding_of_bom is None or codecs.lookup(encoding).name.startswith(encoding_of_bom):
        return None
    return (
        f"is text in {encoding_of_bom}, not in {encoding}; write `encoding: {encoding_of_bom}`, "
        "or save it again as UTF-8"
    )


def check_encoding(path: Path, encoding: str) -> None:
    """Raises StorageError when the file's byte order mark is that of another encoding."""
    if reason := encoding_mismatch(path, encoding):
        raise StorageError(f"{path} {reason}")


def has_undecodable_bytes(text: str) -> bool:
    """Whether `text` was read from bytes that its encoding has no characters for."""
    return UNDECODED.search(text) is not None


def object_row(number: int, path: Path, value: Any, raw: str, encoding: str, *, typed: bool = True) -> Row | Reject:
    """`value` as a row; a Reject unless it is an object with named fields and all its bytes could be decoded."""
    if has_undecodable_bytes(raw):
        return make_reject(number, path, "", raw, encoding)
    if not isinstance(value, dict):
        return make_reject(number, path, f"not an object with named fields but {_json_type_name(value)}", raw, encoding)
    return Row(number, cast("dict[str, Any]", value), str(path), typed)


def make_reject(number: int, path: Path, reason: str, raw: str, encoding: str) -> Reject:
    """A Reject; where bytes could not be decoded, those are the reason, whatever `reason` is."""
    if has_undecodable_bytes(raw):
        reason = undecodable_message(encoding, path, raw)
    return Reject(number, reason, raw[:MAX_RAW_CHARACTERS].encode(errors="replace").decode().rstrip("\r\n"), str(path))


def _json_type_name(value: object) -> str:
    if isinstance(value, list):
        return "a list"
    if value is None:
        return "null"
    return "text" if isinstance(value, str) else "true or false" if isinstance(value, bool) else "a number"
