"""Where: conditions on columns or metadata, the same for rows of a table and for documents of a corpus.

where:
  lang: [en, fr]                                # one of these
  day: {from: 2026-03-01, to: 2026-03-31}       # both included; `before` leaves its value out
  removed: null                                 # no value
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias, cast

WhereScalar: TypeAlias = str | int | float | bool
"""A value that others are compared with."""
BOUNDS = ("from", "to", "before")
_SIGNS: Mapping[str, str] = {">=": "from", "<=": "to", "<": "before"}
"""How a bound may be written in one text: `">=2020"`."""


def checked_where(where: Mapping[str, Any], noun: str) -> dict[str, Any]:
    """The conditions; raises ValueError, in plain words, for one that is none. `noun` says what each is about."""
    for name, wanted in where.items():
        if not _is_condition(wanted):
            raise ValueError(
                f"for the {noun} '{name}' it should be a value, null, a list of values, or a range such as "
                "{from: 1, to: 9} or {from: 2026-03-01, before: 2026-04-01}"
            )
    return dict(where)


def with_bounds(where: Mapping[str, Any]) -> dict[str, Any]:
    """The conditions, with each text such as `">=2020"` as a range. Raises ValueError for `">2020"`, which is none."""
    return {name: _bound(wanted) if isinstance(wanted, str) else wanted for name, wanted in where.items()}


def where_words(where: Mapping[str, Any]) -> str:
    """The conditions in words: `country is Germany or France; year from 2020`."""
    return "; ".join(f"{name} {_words(wanted)}" for name, wanted in where.items())


def _bound(wanted: str) -> Any:
    for sign, bound in _SIGNS.items():
        if wanted.startswith(sign) and (value := wanted.removeprefix(sign).strip()):
            return {bound: value}
    if wanted.startswith(">"):
        raise ValueError(f"'{wanted}' should be written with >=, which includes the value itself")
    return wanted


def _words(wanted: Any) -> str:
    if wanted is None:
        return "has no value"
    if isinstance(wanted, Mapping):
        return " ".join(f"{bound} {value}" for bound, value in cast("Mapping[str, Any]", wanted).items())
    values = list(cast("Iterable[Any]", wanted)) if isinstance(wanted, list | tuple) else [wanted]
    return f"is {' or '.join('without a value' if value is None else str(value) for value in values)}"


def _is_condition(wanted: Any) -> bool:
    if isinstance(wanted, Mapping):
        bounds = cast("Mapping[str, Any]", wanted)
        return bool(bounds) and bounds.keys() <= set(BOUNDS) and all(map(_is_scalar, bounds.values()))
    if isinstance(wanted, list | tuple):
        values = cast("list[Any]", wanted)
        return bool(values) and all(value is None or _is_scalar(value) for value in values)
    return wanted is None or _is_scalar(wanted)


def _is_scalar(value: Any) -> bool:
    return isinstance(value, str | int | float | bool)
