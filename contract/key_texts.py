"""Texts that look like keys: shown nowhere, wherever a person has typed or pasted one."""

from __future__ import annotations

import re

MASK = "**********"
_PROVIDERS_KEY = re.compile(
    r"""(?x)(?<![A-Za-z0-9])(?<![A-Za-z0-9][_-]) (?:
        (?:sk|gsk|xai)[-_][A-Za-z0-9_-]{12,} | github_pat_\w{12,} | gh[opsur]_\w{12,} | glpat-[\w-]{12,}
        | xox[abprs]-[\w-]{12,} | AIza[\w-]{20,} | ya29\.[\w.-]{12,} | (?:AKIA|ASIA)[A-Z0-9]{12,}
        | (?:hf|pk|rk|key|r8|pplx|nvapi|tvly|co|fw)[-_](?=[\w-]*\d)[\w-]{16,}
        | eyJ[\w-]{10,}\.[\w-]{10,}(?:\.[\w-]*)?
    )"""
)
"""Keys as providers write them."""
_LONG_TOKEN = re.compile(r"(?<![\w/.-])(?=[A-Za-z_-]*\d)(?=[\d_-]*[A-Za-z])[A-Za-z0-9_-]{32,}={0,2}(?![\w/.-])")
_IN_ADDRESS = re.compile(r"(://)[^/\s@]+(@)")
_BEARER = re.compile(r"(?i)\b((?:bearer|basic)\s+)[^\s,}\"']{6,}")


def holds_key(text: str) -> bool:
    """Whether a provider's key, by its form, stands in `text`."""
    return bool(_PROVIDERS_KEY.search(text))


def mask_keys(text: str, *, typed: bool = False) -> str:
    """`text` with ten stars for each key, and without passwords in addresses.

    In what was `typed`, a long token of letters and digits counts as a key.
    """
    text = _BEARER.sub(rf"\1{MASK}", _PROVIDERS_KEY.sub(MASK, _IN_ADDRESS.sub(r"\1…\2", text)))
    return _LONG_TOKEN.sub(MASK, text) if typed else text
