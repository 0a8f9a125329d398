"""Finds in what a process wrote to stderr why it ended."""

from __future__ import annotations

import re

_TRACEBACK = "Traceback (most recent call last)"
_CHAINED = ("The above exception was the direct cause", "During handling of the above exception")
_EXCEPTION = re.compile(r"^(?:ERROR:\s+)?((?:\w+\.)*[A-Z]\w*(?:Error|Exception|Exit|Interrupt|Failure|Locked)\b.*)")
_NOISE = re.compile(
    r"^(\s|$|ERROR:\s+Application startup failed|<no Python frame>|Current thread |Thread 0x|Extension modules)"
)


def cause_of_end(stderr: str) -> str | None:
    """The error at the root of the last traceback; without a traceback the last line with words, or None."""
    root: str | None = None
    in_chain = True
    for line in stderr.splitlines():
        if line.startswith(_CHAINED):
            in_chain = True
        elif _TRACEBACK in line:
            root = root if in_chain else None
            in_chain = False
        elif (found := _EXCEPTION.match(line)) and root is None:
            root = found[1].strip()
    if root:
        return root
    words = [line.strip() for line in stderr.splitlines() if not _NOISE.match(line)]
    return words[-1] if words else None
