"""JSON: rows of `.jsonl` and `.json` files. Streams; of an array only one item is held at a time."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from contract.errors import StorageError
from flows.storage.rows import Reject, Row, Rows, object_row, reject, tell_marked_otherwise, with_mark

_ARRAY_KEYS = ("records", "data", "items", "rows")
_CHUNK = 1 << 16
_SPACE = re.compile(r"[ \t\r\n]*")


def jsonl_rows(path: Path, encoding: str) -> Rows:
    """One JSON object a line; blank lines are between rows, not rows."""
    tell_marked_otherwise(path, encoding)
    decoder = _Decoder()
    with path.open(encoding=with_mark(encoding), errors="surrogateescape") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                value = decoder.decode(line)
            except (ValueError, RecursionError) as error:
                yield reject(number, path, f"not JSON: {error}", line, encoding)
                continue
            yield _row(number, path, value, line, encoding, decoder)


def json_rows(path: Path, encoding: str) -> Rows:
    """The objects of a JSON array, at the top or under `records`, `data`, `items` or `rows`; or one object alone.

    Raises StorageError, with line and item, where the file is not sound JSON.
    """
    tell_marked_otherwise(path, encoding)
    with path.open(encoding=with_mark(encoding), errors="surrogateescape") as file:
        stream = _Stream(file)
        number = 0
        try:
            for number, (value, raw) in enumerate(_items(stream), start=1):
                yield _row(number, path, value, raw, encoding, stream.decoder)
        except (ValueError, RecursionError) as error:
            raise StorageError(f"{path}:{stream.line} is not sound JSON, after item {number}: {error}") from None


def _row(number: int, path: Path, value: Any, raw: str, encoding: str, decoder: _Decoder) -> Row | Reject:
    if name := decoder.twice():
        return reject(number, path, f"the name '{name}' stands twice in one object", raw, encoding)
    return object_row(number, path, value, raw, encoding)


def _items(stream: _Stream) -> Iterator[tuple[Any, str]]:
    """Each item with the text that it was read from."""
    if stream.peek() == "[":
        yield from _array(stream)
    elif stream.peek() == "{":
        yield from _items_of_object(stream)
    else:
        yield stream.value()
    if stream.peek():
        raise ValueError("more follows after the end")


def _items_of_object(stream: _Stream) -> Iterator[tuple[Any, str]]:
    found: dict[str, Any] = {}
    streamed = False
    stream.expect("{")
    while stream.peek() != "}":
        if found:
            stream.expect(",")
        key, _ = stream.value()
        if not isinstance(key, str):
            raise ValueError("a name in quotation marks is missing")
        stream.expect(":")
        if key in _ARRAY_KEYS and stream.peek() == "[" and not streamed:
            streamed = True
            found[key] = None
            yield from _array(stream)
        else:
            if key in found:
                raise ValueError(f"the name '{key}' stands twice in one object")
            found[key] = stream.value()[0]
    stream.expect("}")
    if not streamed:
        yield found, json.dumps(found, ensure_ascii=False)


def _array(stream: _Stream) -> Iterator[tuple[Any, str]]:
    stream.expect("[")
    if stream.peek() != "]":
        yield stream.value()
        while stream.peek() != "]":
            stream.expect(",")
            yield stream.value()
    stream.expect("]")


class _Decoder:
    """Reads JSON, and notices names that stand twice in an object: of their values one would be lost."""

    def __init__(self) -> None:
        self._twice: str | None = None
        self._json = json.JSONDecoder(object_pairs_hook=self._object)
        self.decode = self._json.decode
        self.raw_decode = self._json.raw_decode

    def twice(self) -> str | None:
        """A name that stood twice in what was read since the last question."""
        found, self._twice = self._twice, None
        return found

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            names = [name for name, _ in pairs]
            self._twice = next(name for name in names if names.count(name) > 1)
        return found


class _Stream:
    """A JSON text, of which only the value being read is in memory."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._text = ""
        self._at = 0
        self._ended = False
        self.decoder = _Decoder()
        self.line = 1
        """The line that reading has come to."""

    def peek(self) -> str:
        """The next character that is not white space; empty at the end."""
        while True:
            self._move(_SPACE.match(self._text, self._at).end())  # type: ignore[reportOptionalMemberAccess]
            if self._at < len(self._text) or not self._more(_CHUNK):
                return self._text[self._at : self._at + 1]

    def expect(self, mark: str) -> None:
        """Goes behind `mark`. Raises ValueError when something else comes next."""
        found = self.peek()
        if found != mark:
            raise ValueError(f"'{mark}' is missing" + (f" before '{found}'" if found else "; the file ends too early"))
        self._move(self._at + 1)

    def value(self) -> tuple[Any, str]:
        """The next value and its text. Raises ValueError when it is not sound."""
        self.peek()
        size = _CHUNK
        while True:
            try:
                value, end = self.decoder.raw_decode(self._text, self._at)
            except ValueError as error:
                # Perhaps only its end has not been read yet.
                if not self._more(size):
                    raise ValueError(getattr(error, "msg", str(error))) from None
                size *= 2
                continue
            if end < len(self._text) or not self._more(_CHUNK):
                raw = self._text[self._at : end]
                self._move(end)
                return value, raw

    def _move(self, to: int) -> None:
        self.line += self._text.count("\n", self._at, to)
        self._at = to

    def _more(self, size: int) -> bool:
        if self._ended:
            return False
        chunk = self._file.read(size)
        self._ended = not chunk
        self._text = self._text[self._at :] + chunk
        self._at = 0
        return not self._ended
