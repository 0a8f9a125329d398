"""Writes files atomically: they are there whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any


@contextmanager
def open_atomic(path: Path) -> Generator[IO[str]]:
    """Opens a text file that is there whole or not at all.

    It is written beside its place, and renamed when the block ends without an error.
    """
    temporary = path.with_name(f".{path.name}.part")
    try:
        with temporary.open("w", encoding="utf-8", newline="") as file:
            yield file
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Writes a whole file or none."""
    with open_atomic(path) as file:
        file.write(text)


def write_json(path: Path, value: Any) -> None:
    """Writes JSON, indented for readers."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n")
