"""Finds the comment that stands in the place of a missing value, as in `text: #text`, which is empty to YAML."""

from __future__ import annotations

import re

from flows.config.provenance import SourceLocation

_COMMENT = re.compile(r"[\s-]*(?P<key>[\w.-]+): +(?P<comment>#.*?)\s*$")


def comment_in_place(location: SourceLocation | None) -> tuple[str, str] | None:
    """What is wrong and what to write, where the value that was set there is nothing but a comment; else None."""
    line = _line_at(location)
    if line is None or not (found := _COMMENT.fullmatch(line)):
        return None
    key, comment = found["key"], found["comment"]
    what = f"`#` begins a comment in YAML, so `{key}` has no value"
    if re.match(r"#\s", comment):
        return what, f"write the value before the #, as in `{key}: value {comment}`"
    quoted = comment.replace("\\", "\\\\").replace('"', '\\"')
    return what, f'write `{key}: "{quoted}"`'


def _line_at(location: SourceLocation | None) -> str | None:
    number = location.label.rpartition(":")[2] if location and location.file else ""
    if not location or not location.file or not number.isdecimal():
        return None
    try:
        lines = location.file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeError):
        return None
    return lines[int(number) - 1] if 0 < int(number) <= len(lines) else None
