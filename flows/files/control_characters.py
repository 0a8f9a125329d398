"""Makes control characters visible in text from records, models and users, so that no terminal executes them."""

from __future__ import annotations

import re

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_UNPRINTABLE = re.compile(r"[\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Characters that turn the direction of what follows, also of what is none of the text's own; half characters."""
_CONTROL_PICTURES = 0x2400
"""The first code point of Unicode's visible signs for the first 32 control characters."""


def escape_controls(text: str) -> str:
    """`text` with a visible sign for every control character but tab and line feed, such as ␛ for ESC."""
    return _CONTROLS.sub(lambda found: _visible_sign(ord(found[0])), text.replace("\r\n", "\n"))


def terminal_text(text: str) -> str:
    """`text` for a terminal: nothing in it is executed, fails to print, or turns the direction of words."""
    return _UNPRINTABLE.sub("\ufffd", escape_controls(text))


def terminal_line(text: str) -> str:
    """`text` for one line of a terminal: what it holds cannot look like a line of its own."""
    return terminal_text(text).replace("\n", "␊").replace("\u2028", "\ufffd").replace("\u2029", "\ufffd")


def _visible_sign(code: int) -> str:
    return chr(_CONTROL_PICTURES + code) if code < 0x20 else "␡" if code == 0x7F else "\ufffd"
