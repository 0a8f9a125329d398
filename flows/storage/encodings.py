"""What a file reads like in the encodings that it may be in, where it is not in the one that is named.

Where none is named and only one reading is likely, it is taken and said, never silently. Else a person decides: which
of several is right, they see at a glance.
"""

from __future__ import annotations

import codecs
import re
from collections import deque
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from contract.storage import FileStorage
from flows.storage.guesses import Guess, OnGuess
from flows.storage.likely_encoding import fits, likely_encoding

DEFAULT_ENCODING = "utf-8"
UNDECODED = re.compile("[\udc80-\udcff]")
"""A byte that the encoding has no character for, as `surrogateescape` reads it."""
BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_OF_EXCEL = "cp1252"
_LOOK_AT_BYTES = 65_536
_SAMPLE_BYTES = 16_384
"""Of lines that show an encoding: rating them takes long."""
_MOST_OTHERS = 2
_SHOWN, _BEFORE = 24, 8
"""Characters of a reading that are shown, and how many of them stand before the first that is not plain."""


def undecodable_message(encoding: str, path: Path, text: str) -> str:
    """The reason why a text with undecodable bytes is rejected, and how it reads in other encodings."""
    reads = [f"encoding={name}{shown}" for name, shown in _readings(encoding, path, text)]
    others = f"; or {' or '.join(reads[1:])}" if reads[1:] else ""
    return f"holds bytes that are not {encoding}; if the file is from Excel, try {reads[0]}{others}"


def _readings(encoding: str, path: Path, text: str) -> list[tuple[str, str]]:
    try:
        data = text.encode(encoding, "surrogateescape")
    except UnicodeError:
        return [(_OF_EXCEL, "")]
    found = {_OF_EXCEL: _reading(data, _OF_EXCEL)}
    for name in _likely(path):
        shown = _reading(data, name)
        if shown and shown not in found.values() and len(found) <= _MOST_OTHERS:
            found[name] = shown
    return list(found.items())


def _reading(data: bytes, encoding: str) -> str:
    """`, which reads ‘Ihr Müll’`; empty where it cannot be read so."""
    try:
        text = " ".join(data.decode(encoding).split())
    except (UnicodeError, LookupError):
        return ""
    first = next((at for at, sign in enumerate(text) if not sign.isascii()), 0)
    start = max(first - _BEFORE, 0)
    return f", which reads ‘{text[start : start + _SHOWN]}’"


@lru_cache(maxsize=16)
def _likely(path: Path) -> tuple[str, ...]:
    """The encodings that the library holds for likely, the likeliest first."""
    from charset_normalizer import from_bytes

    try:
        with path.open("rb") as file:
            found = from_bytes(file.read(_LOOK_AT_BYTES))
    except OSError:
        return ()
    return tuple(one.encoding for one in found if not one.encoding.startswith("utf"))


def with_guessed_encoding(storage: FileStorage, on_guess: OnGuess) -> FileStorage:
    """The storage with the encoding of its file, where none is set and only one is likely; `on_guess` is told."""
    if "encoding" in storage.model_fields_set:
        return storage
    guess = guessed_encoding(storage.path)
    if guess is None:
        return storage
    on_guess(guess)
    return storage.model_copy(update={"encoding": guess.value})


def guessed_encoding(path: Path) -> Guess | None:
    """The encoding of a file that is no UTF-8; None for UTF-8, also damaged, and where no single one is likely.

    Raises OSError.
    """
    state = path.stat()
    found = _encoding_of(path, state.st_mtime_ns, state.st_size)
    if found is None:
        return None
    encoding, sample = found
    what = f"{path.name} is no UTF-8; it is read as {encoding}{_reading(sample, encoding)}"
    todo = f"for another reading write encoding=…, and encoding={DEFAULT_ENCODING} to leave out such rows"
    return Guess("encoding", encoding, f"{what}; {todo}")


@lru_cache(maxsize=256)
def _encoding_of(path: Path, _changed: int, _size: int) -> tuple[str, bytes] | None:
    """The encoding, and some of the lines that show it. The whole file is read."""
    with path.open("rb") as file:
        mark = file.read(4)
        encoding = next((name for begin, name in BYTE_ORDER_MARKS if mark.startswith(begin)), None)
        if encoding is None:
            file.seek(0)
            sample = _lines_beyond_ascii(file)
            encoding = likely_encoding(sample) if sample and not _is_damaged_utf8(sample) else None
        else:
            file.seek(0)
            sample = file.read(_LOOK_AT_BYTES)
        if encoding is None:
            return None
        file.seek(0)
        try:
            deque(codecs.iterdecode(iter(lambda: file.read(_LOOK_AT_BYTES), b""), encoding), maxlen=0)
        except UnicodeError:
            return None
        file.seek(0)
        if not all(fits(part, encoding) for part in _parts_beyond_ascii(file)):
            return None
    return encoding, sample


def _parts_beyond_ascii(file: BinaryIO) -> Iterator[bytes]:
    """All lines with bytes that are no ASCII, in parts that are as long as a sample."""
    part, size = list[bytes](), 0
    for line in iter(lambda: file.readline(_SAMPLE_BYTES), b""):
        if line.isascii():
            continue
        part.append(line)
        size += len(line)
        if size >= _SAMPLE_BYTES:
            yield b"".join(part)
            part, size = [], 0
    yield b"".join(part)


def _lines_beyond_ascii(file: BinaryIO) -> bytes:
    """Lines with bytes that are no ASCII; empty where the whole file is UTF-8."""
    sample, size, is_utf8 = list[bytes](), 0, True
    for line in iter(lambda: file.readline(_SAMPLE_BYTES), b""):
        if line.isascii():
            continue
        if size < _SAMPLE_BYTES:
            sample.append(line)
            size += len(line)
        try:
            line.decode()
        except UnicodeDecodeError as error:
            # A long line is read in pieces, which may end within a letter.
            is_utf8 = is_utf8 and len(line) == _SAMPLE_BYTES and error.start > len(line) - 4
        if not is_utf8 and size >= _SAMPLE_BYTES:
            break
    return b"" if is_utf8 else b"".join(sample)


def _is_damaged_utf8(sample: bytes) -> bool:
    """Whether more letters are UTF-8 than not: then the file is that, with a few bytes of something else."""
    text = sample.decode("utf-8", "surrogateescape")
    broken = len(UNDECODED.findall(text))
    return sum(not sign.isascii() for sign in text) - broken >= broken
