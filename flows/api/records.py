"""Records that a program has in memory: written to a file, so that a run of them can be repeated like any other."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from contract.base import thawed
from contract.errors import Problem, StudyError
from contract.record import Record
from flows.api.data_frames import frame_rows
from flows.files.atomic import write_text


def write_records(records: Any, folder: Path) -> Path:
    """Writes a data frame, or an iterable of `Record` or dict, as JSON lines, and returns the file.

    Its name is a digest of what is in it, so equal records are the same source. Raises StudyError for anything else,
    and for values that JSON has no form for.
    """
    lines = [_line(number, row) for number, row in enumerate(_rows(records), start=1)]
    if not lines:
        raise StudyError([Problem("records=…", "there are no records in it", todo="give at least one")])
    text = "".join(f"{line}\n" for line in lines)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.jsonl"
    if not path.exists():
        write_text(path, text)
    return path


def _rows(records: Any) -> Iterable[Any]:
    # pandas and polars, without importing either.
    if hasattr(records, "to_dicts"):
        return records.to_dicts()
    if hasattr(records, "to_dict") and hasattr(records, "columns"):
        return frame_rows(records)
    if isinstance(records, Iterable) and not isinstance(records, str | bytes | Mapping):
        return cast("Iterable[Any]", records)
    raise StudyError(
        [
            Problem(
                "records=…",
                f"{describe_type(cast('object', records))} holds no records",
                todo="give a file's path, a data frame, or a list of dicts",
            )
        ]
    )


def _line(number: int, row: Any) -> str:
    if isinstance(row, Record):
        row = row.model_dump(mode="json", exclude_defaults=True)
    if not isinstance(row, Mapping):
        raise StudyError(
            [
                Problem(
                    f"records=…, number {number}",
                    f"{describe_type(row)} is no record",
                    todo="give a dict or a `Record`",
                )
            ]
        )
    try:
        line = json.dumps(_without_gaps(thawed(row)), ensure_ascii=False, allow_nan=False, default=str)
        line.encode()
        return line
    except UnicodeEncodeError as error:
        what = "it holds half of a character (a lone surrogate)"
        raise StudyError([Problem(f"records=…, number {number}", what)]) from error
    except ValueError as error:
        why = "it holds an infinite number, or itself"
        raise StudyError([Problem(f"records=…, number {number}", f"it cannot be kept: {why}")]) from error


def _without_gaps(value: Any) -> Any:
    """The value with null for each NaN, which is how the rows of a data frame say that there is nothing."""
    if isinstance(value, dict):
        return {name: _without_gaps(one) for name, one in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [_without_gaps(one) for one in cast("list[Any]", value)]
    return None if isinstance(value, float) and math.isnan(value) else value


def are_records(value: object) -> bool:
    """Whether a value looks like records in memory: a data frame, or a list of `Record` or dict."""
    if isinstance(value, Sequence):
        first = next(iter(cast("Sequence[object]", value)), None)
        return isinstance(first, Record | Mapping)
    return hasattr(value, "columns") and (hasattr(value, "to_dicts") or hasattr(value, "to_dict"))


def describe_type(value: object) -> str:
    """The type of a value, in a sentence: `an int`."""
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"
