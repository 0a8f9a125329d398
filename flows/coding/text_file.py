"""Reads a text file that a person names on the command line."""

from __future__ import annotations

from pathlib import Path

from contract.errors import Problem, StudyError


def read_text_file(path: Path) -> str:
    """The text of the file. Raises StudyError for one that is not in UTF-8 or holds nothing."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise StudyError([Problem(str(path), "the file is not in UTF-8", todo="save it again as UTF-8")]) from None
    if not text.strip():
        raise StudyError([Problem(str(path), "the file holds nothing")])
    return text
