"""Reads rows of `.jsonl` and `.json` files as a stream; only one item of an array is in memory at a time."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any, TextIO

from contract.errors import StorageError
from contract.storage import FileStorage
from flows.storage.guesses import OnGuess
from flows.storage.json_shapes import json_text, named_lists, records_in, with_names
from flows.storage.rows import Reject, Row, Rows, bom_aware_encoding, check_encoding, make_reject, object_row

_ARRAY_KEYS = ("records", "data", "items", "rows")
_CHUNK_CHARACTERS = 1 << 16
_WHITESPACE = re.compile(r"[ \t\r\n]*")


def jsonl_rows(path: Path, encoding: str) -> Rows:
    """One JSON object a line; blank lines are skipped."""
    check_encoding(path, encoding)
    decoder = _StrictDecoder()
    with path.open(encoding=bom_aware_encoding(encoding), errors="surrogateescape") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                value = decoder.decode(line)
            except (ValueError, RecursionError) as error:
                yield make_reject(number, path, f"not JSON: {_json_error_text(error)}", line, encoding)
                continue
            yield _row(number, path, value, line, encoding, decoder)


def _json_error_text(error: Exception) -> str:
    """What is wrong with a JSON text, in words for people who have not written the reader."""
    if isinstance(error, RecursionError):
        return "lists or objects are nested too deeply"
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} (character {error.pos + 1})"
    return "a number has too many digits" if "int_max_str_digits" in str(error) else str(error)


def json_rows(storage: FileStorage, on_guess: OnGuess) -> Rows:
    """The objects of a JSON array, at the top or under `records`, `data`, `items` or `rows`; of an object that holds
    them by their ids; of columns as lists; or one object alone. Rows may be lists, too, as in a table.

    Raises StorageError, with line and item, where the file is not valid JSON.
    """
    path, encoding = storage.path, storage.encoding
    check_encoding(path, encoding)
    with path.open(encoding=bom_aware_encoding(encoding), errors="surrogateescape") as file:
        stream = _JsonStream(file)
        number = 0
        try:
            for number, (value, raw) in enumerate(_shaped(_items(stream), storage, on_guess), start=1):
                yield _row(number, path, value, raw, encoding, stream.decoder)
        except (ValueError, RecursionError) as error:
            reason = _json_error_text(error)
            raise StorageError(f"{path}:{stream.line} is not valid JSON, after item {number}: {reason}") from None


def _shaped(
    items: Iterator[tuple[Any, str, bool]], storage: FileStorage, on_guess: OnGuess
) -> Iterator[tuple[Any, str]]:
    first = next(items, None)
    if first is None:
        return
    value, raw, alone = first
    if alone and storage.rows != "whole":
        yield from ((one, raw if one is value else json_text(one)) for one in records_in(value, storage, on_guess))
        # Nothing is left, but what follows the end of the value is a mistake that shows only here.
        yield from ((one, text) for one, text, _ in items)
    elif isinstance(value, list):
        rest = chain([first], items)
        yield from named_lists(((one, text) for one, text, _ in rest), storage, on_guess)
    else:
        yield value, raw
        yield from ((one, text) for one, text, _ in items)


def _row(number: int, path: Path, value: Any, raw: str, encoding: str, decoder: _StrictDecoder) -> Row | Reject:
    if name := decoder.take_duplicate_name():
        return make_reject(number, path, f"the name '{name}' stands twice in one object", raw, encoding)
    return object_row(number, path, value, raw, encoding)


def _items(stream: _JsonStream) -> Iterator[tuple[Any, str, bool]]:
    """Each item with its JSON text, and whether it is the whole file."""
    if stream.peek() == "[":
        yield from ((*item, False) for item in _array_items(stream))
    elif stream.peek() == "{":
        yield from _items_of_object(stream)
    else:
        yield (*stream.read_value(), True)
    if stream.peek():
        raise ValueError("more follows after the end")


def _items_of_object(stream: _JsonStream) -> Iterator[tuple[Any, str, bool]]:
    found: dict[str, Any] = {}
    streamed = False
    stream.expect("{")
    while stream.peek() != "}":
        if found:
            stream.expect(",")
        key, _ = stream.read_value()
        if not isinstance(key, str):
            raise ValueError("a name in quotation marks is missing")
        stream.expect(":")
        if key in _ARRAY_KEYS and stream.peek() == "[" and not streamed:
            streamed = True
            yield from ((with_names(value, found), raw, False) for value, raw in _array_items(stream))
            found[key] = None
        else:
            if key in found:
                raise ValueError(f"the name '{key}' stands twice in one object")
            found[key] = stream.read_value()[0]
    stream.expect("}")
    if not streamed:
        yield found, json_text(found), True


def _array_items(stream: _JsonStream) -> Iterator[tuple[Any, str]]:
    stream.expect("[")
    if stream.peek() != "]":
        yield stream.read_value()
        while stream.peek() != "]":
            stream.expect(",")
            yield stream.read_value()
    stream.expect("]")


class _StrictDecoder:
    """Reads JSON, and notes a name that stands twice in an object, since one of its values would be lost."""

    def __init__(self) -> None:
        self._duplicate_name: str | None = None
        self._json = json.JSONDecoder(object_pairs_hook=self._check_names)
        self.decode = self._json.decode
        self.raw_decode = self._json.raw_decode

    def take_duplicate_name(self) -> str | None:
        """A name that stood twice in one object since the last call; None without one."""
        found, self._duplicate_name = self._duplicate_name, None
        return found

    def _check_names(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            names = [name for name, _ in pairs]
            self._duplicate_name = next(name for name in names if names.count(name) > 1)
        return found


class _JsonStream:
    """A JSON file of which only the value being read is in memory."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._text = ""
        self._position = 0
        self._is_at_end = False
        self.decoder = _StrictDecoder()
        self.line = 1
        """The line of the current position, from 1."""

    def peek(self) -> str:
        """The next character that is not white space; empty at the end."""
        while True:
            self._advance(_WHITESPACE.match(self._text, self._position).end())  # type: ignore[reportOptionalMemberAccess]
            if self._position < len(self._text) or not self._read_more(_CHUNK_CHARACTERS):
                return self._text[self._position : self._position + 1]

    def expect(self, mark: str) -> None:
        """Reads past `mark`. Raises ValueError when something else comes next."""
        found = self.peek()
        if found != mark:
            raise ValueError(f"'{mark}' is missing" + (f" before '{found}'" if found else "; the file ends too early"))
        self._advance(self._position + 1)

    def read_value(self) -> tuple[Any, str]:
        """The next value and its JSON text. Raises ValueError when it is not valid JSON."""
        self.peek()
        size = _CHUNK_CHARACTERS
        while True:
            try:
                value, end = self.decoder.raw_decode(self._text, self._position)
            except ValueError as error:
                # The end of the value may not have been read yet.
                if not self._read_more(size):
                    raise ValueError(getattr(error, "msg", str(error))) from None
                size *= 2
                continue
            if end < len(self._text) or not self._read_more(_CHUNK_CHARACTERS):
                raw = self._text[self._position : end]
                self._advance(end)
                return value, raw

    def _advance(self, to: int) -> None:
        self.line += self._text.count("\n", self._position, to)
        self._position = to

    def _read_more(self, size: int) -> bool:
        if self._is_at_end:
            return False
        chunk = self._file.read(size)
        self._is_at_end = not chunk
        self._text = self._text[self._position :] + chunk
        self._position = 0
        return not self._is_at_end
