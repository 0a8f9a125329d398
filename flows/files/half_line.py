"""Tells a line that a kill has left unfinished from one that was damaged after it was written."""

from __future__ import annotations

import codecs
import json
from collections.abc import Sequence
from pathlib import Path

_LONGEST_CUT_TOKEN = 6
"""A cut word of JSON, such as `fals` or a cut escape, is where its line ends, and no longer than this."""


def half_lines_note(path: Path, numbers: Sequence[int]) -> str:
    """That half lines of the file are not counted; empty where there are none."""
    named = ", ".join(map(str, numbers))
    return f"{path}: half lines that a kill has left are not counted: {named}" if named else ""


def is_half_line(line: bytes, beginning: str) -> bool:
    """Whether a line that is no JSON is the first part of one of ours, so that it was never confirmed to anybody.

    `beginning` is that of every line of the file.
    """
    try:
        # A letter of several bytes may be cut too.
        text = codecs.getincrementaldecoder("utf-8")().decode(line)
    except UnicodeDecodeError:
        return False
    if not text.startswith(beginning):
        return beginning.startswith(text)
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return error.msg.startswith("Unterminated string") or error.pos >= len(text) - _LONGEST_CUT_TOKEN
    return False
