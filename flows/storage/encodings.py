"""What a file reads like in the encodings that it may be in, where it is not in the one that is named.

Which of them is right, a person sees at a glance; a guess from a few lines is wrong too often to be taken silently.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

UNDECODED = re.compile("[\udc80-\udcff]")
"""A byte that the encoding has no character for, as `surrogateescape` reads it."""
_OF_EXCEL = "cp1252"
_LOOK_AT_BYTES = 65_536
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
