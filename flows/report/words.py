"""Formats numbers, dates and texts for a report, and reads values of a manifest."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, cast

from contract.base import canonical_json, thawed
from flows.files.control_characters import escape_controls

STATUS_LABELS: Mapping[str, str] = {
    "completed": "completed",
    "refused": "refused",
    "truncated": "cut off",
    "failed": "failed",
    "missing_input": "input missing",
    "over_budget": "over budget",
    "waiting": "waiting for a person",
    "skipped": "skipped",
}
"""Status of a cell -> its name in a report, in the order of the report."""
MEASURE_LABELS: Mapping[str, str] = {
    "accuracy": "Accuracy",
    "precision": "Precision",
    "recall": "Recall",
    "f1": "F1",
    "percent_agreement": "Same verdict",
    "cohen_kappa": "Cohen’s κ",
    "weighted_kappa": "Weighted κ",
    "fleiss_kappa": "Fleiss’ κ",
    "krippendorff_alpha": "Krippendorff’s α",
    "dawid_skene_accuracy": "Dawid–Skene, share right",
    "krippendorff_alpha_masi": "Krippendorff’s α of sets",
    "gwet_ac1": "Gwet’s AC1",
    "gwet_ac2": "Gwet’s AC2",
    "brennan_prediger": "Brennan–Prediger",
    "reasons_found": "Reasons found",
}
"""Measure -> its name in a report, in the order of the report."""
_BIDI_CONTROLS = re.compile(r"[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]")
_MAX_VALUE_CHARACTERS = 4_000
_LINE_END = re.compile(r"(?<!\n)\n(?!\n|\s*([-*•]|\w{1,3}[.)]\s))")
"""An end of a line that ends neither a paragraph nor an item of a list."""
"""Characters."""
_INVALID_CHARACTERS = re.compile(r"[\ud800-\udfff\ufffe\uffff]")


def display_text(text: str) -> str:
    """`text` with visible signs for control characters, one for one, so that offsets into it stay valid."""
    cleaned = _INVALID_CHARACTERS.sub("\ufffd", text).replace("\r\n", " \n")
    return escape_controls(cleaned)


def display_text_without_bidi(text: str) -> str:
    """`text` for places that cannot isolate it: characters that reorder letters become `[U+…]`."""
    return _BIDI_CONTROLS.sub(lambda found: f"[U+{ord(found[0]):04X}]", display_text(text))


def pluralised(number: int, noun: str, many: str | None = None) -> str:
    """`1 record`, `10,000 records`."""
    return f"{number:,} {noun if number == 1 else many or f'{noun}s'}"


def join_lines(text: str) -> str:
    """A criterion without the line ends of its file, which stand where an editor's window ended."""
    return _LINE_END.sub(" ", text)


def join_list(items: Sequence[str], last: str = "and") -> str:
    """`a, b and c`."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} {last} {items[-1]}" if items else "none"


def percent(part: int, whole: int) -> str:
    """A share in whole per cent; only no part is 0% and only the whole is 100%."""
    if not whole:
        return "–"
    rounded = round(100 * part / whole)
    if part and not rounded:
        return "<1%"
    return ">99%" if part < whole and rounded == 100 else f"{rounded}%"


def format_decimal(value: float) -> str:
    """Two decimals, with the typographic minus sign."""
    return f"{value:.2f}".replace("-0.00", "0.00").replace("-", "−")


def format_datetime(text: object) -> str | None:
    """A date and time in UTC for readers; None where there is none."""
    at = parse_datetime(text)
    return f"{at.day} {at:%B %Y, %H:%M} UTC" if at else None


def format_date(text: object) -> str | None:
    """A date for readers; None where there is none."""
    at = parse_datetime(text)
    return f"{at.day} {at:%B %Y}" if at else None


def parse_datetime(text: object) -> datetime | None:
    """A date and time from ISO text or a datetime, in UTC; None where there is none."""
    if isinstance(text, datetime):
        return text.astimezone(UTC)
    try:
        return datetime.fromisoformat(str(text)).astimezone(UTC) if text else None
    except ValueError:
        return None


def format_date_range(first: str | None, last: str | None) -> str:
    """`4 March 2026` or `4 March 2026 to 6 March 2026`."""
    if not first or not last or first == last:
        return first or last or ""
    return f"{first} to {last}"


def one_line(value: object) -> str:
    """Any JSON value on one line."""
    if isinstance(value, str):
        return value
    return "yes" if value is True else "no" if value is False else "" if value is None else canonical_json(value)


def truncated_value(value: object) -> str:
    """Any JSON value as a reader sees it, cut after 4,000 characters."""
    listing = as_list(value)
    if listing and all(isinstance(each, str | int | float) for each in listing):
        value = "\n".join(map(one_line, listing))
    text = value if isinstance(value, str) else json.dumps(thawed(value), ensure_ascii=False, indent=1)
    return text if len(text) <= _MAX_VALUE_CHARACTERS else f"{text[:_MAX_VALUE_CHARACTERS]}… ({len(text):,} characters)"


def format_bytes(number: object) -> str:
    """Bytes as a reader sees them: `12 MB`."""
    if not isinstance(number, int):
        return ""
    return (
        f"{number:,} bytes"
        if number < 10_000
        else f"{number / 1000:,.0f} kB"
        if number < 10_000_000
        else f"{number / 1e6:,.0f} MB"
    )


def as_mapping(value: object) -> dict[str, Any]:
    """`value` if it is an object, else an empty one, since manifests of other versions hold less."""
    return dict(cast("Mapping[str, Any]", value)) if isinstance(value, Mapping) else {}


def as_list(value: object) -> list[Any]:
    """`value` if it is a list, else an empty one."""
    return list(cast("Iterable[Any]", value)) if isinstance(value, list | tuple) else []


def as_int(value: object) -> int:
    """`value` if it is a whole number, else 0."""
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
