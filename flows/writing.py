"""Writing: files that are there whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def write(path: Path, text: str) -> None:
    """Writes a whole file or none."""
    beside = path.with_name(f".{path.name}.part")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)


def write_json(path: Path, value: Any) -> None:
    """Writes JSON, indented for readers."""
    write(path, json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n")
