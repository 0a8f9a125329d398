"""Makes control characters visible in text from records, models and users, so that no terminal executes them."""

from __future__ import annotations

import re

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_CONTROL_PICTURES = 0x2400
"""The first code point of Unicode's visible signs for the first 32 control characters."""


def escape_controls(text: str) -> str:
    """`text` with a visible sign for every control character but tab and line feed, such as ␛ for ESC."""
    return _CONTROLS.sub(lambda found: _visible_sign(ord(found[0])), text.replace("\r\n", "\n"))


def _visible_sign(code: int) -> str:
    return chr(_CONTROL_PICTURES + code) if code < 0x20 else "␡" if code == 0x7F else "\ufffd"
