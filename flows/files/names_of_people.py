"""Names of people as they are compared: one form for each letter, and no two that a reader takes for the same."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable


def one_form(name: str) -> str:
    """The name with each letter in one form: some systems write `é` as an `e` and a sign that follows it."""
    return unicodedata.normalize("NFC", name)


def same_but_for_capitals(name: str, others: Iterable[str]) -> str | None:
    """Another one of the names, which differs from this one by capitals alone; None where there is none."""
    return next((other for other in others if other != name and other.casefold() == name.casefold()), None)
