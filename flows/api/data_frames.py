"""Rows of a pandas data frame, as JSON has them; what JSON cannot have is named with its row and column."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from contract.errors import Problem, StudyError
from flows.config.diagnostics import join_names

_MAX_EXACT_INTEGER = 2**53


def frame_rows(frame: Any) -> list[Any]:
    """Returns a dict for each row. Raises StudyError with a mistake for each column that JSON has no form for."""
    names = Counter(map(str, frame.columns))
    if repeated := [name for name, count in names.items() if count > 1]:
        what = f"more than one column is called {join_names(repeated)}"
        raise StudyError([Problem("records=…", what, todo="give each column a name of its own")])
    whole = frame.astype(dict.fromkeys(_whole_numbers(frame), "Int64"))
    if error := _json_error(whole):
        problems = [_problem_in(whole[[name]], name) for name in whole.columns if _json_error(whole[[name]])]
        raise StudyError(problems or [Problem("records=…", f"they cannot be kept: {error}")])
    return json.loads(_as_json(whole))


def _whole_numbers(frame: Any) -> Iterator[Any]:
    """Columns of floats that hold only whole numbers: pandas makes floats of integers where one is missing, and an id
    would become `1.0`."""
    for name in frame.select_dtypes("floating").columns:
        values = frame[name].dropna()
        if (values % 1 == 0).all() and (values.abs() < _MAX_EXACT_INTEGER).all():
            yield name


def _as_json(frame: Any) -> str:
    return frame.to_json(orient="records", date_format="iso")


def _json_error(frame: Any) -> ValueError | OverflowError | None:
    try:
        _as_json(frame)
    except (ValueError, OverflowError) as error:
        return error
    return None


def _problem_in(column: Any, name: Any) -> Problem:
    """The mistake in the first row of that column which JSON cannot have, found by halving."""
    good, bad = 0, len(column)
    while bad - good > 1:
        middle = (good + bad) // 2
        good, bad = (good, middle) if _json_error(column.iloc[good:middle]) else (middle, bad)
    return Problem(f"records=…, number {bad}", f"the column '{name}' {_reason(_json_error(column.iloc[good:bad]))}")


def _reason(error: Exception | None) -> str:
    if isinstance(error, UnicodeEncodeError):
        return "holds half of a character (a lone surrogate)"
    if isinstance(error, UnicodeDecodeError):
        return "holds bytes, which are no text"
    return f"cannot be kept: {error}"
