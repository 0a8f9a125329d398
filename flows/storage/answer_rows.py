"""Makes one row of the rows that hold several people's answers to one text, as in tables of annotators.

A column that a record's ground truth comes from becomes a list with each person's answer. Columns that differ between
the rows of a text are about the people and their answers, so they stand beside them in the ground truth, where no judge
sees them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from contract.base import digest
from flows.storage.columns import map_columns
from flows.storage.guesses import Guess, OnGuess
from flows.storage.rows import Reject, Row, Rows

ANSWERS_COLUMN = "(of each answer)"
"""The column that holds what differs between the rows of a text."""
ANSWERS_FIELD = "ground_truth.of_each_answer"
_CONTENT_FIELDS = ("text", "sections", "images")


@dataclass
class _Text:
    """The rows of one text."""

    content: str
    rows: list[Row] = field(default_factory=list[Row])


def one_row_per_text(rows: Rows, columns: Mapping[str, str], on_guess: OnGuess) -> Rows:
    """The rows of each text as one, in the order of their first ones; all rows are in memory.

    Rows belong together by their id, or by their text where there is no id. A row with an id that was there before but
    with another text stays a row of its own, which is then rejected as a repeated id.
    """
    texts, alone, count = dict[str, _Text](), list[Row](), 0
    for row in rows:
        if isinstance(row, Reject):
            yield row
            continue
        count += 1
        try:
            identity, content = _identity(row, columns)
        except ValueError:
            alone.append(row)
            continue
        text = texts.setdefault(identity, _Text(content))
        (text.rows if text.content == content else alone).append(row)
    on_guess(Guess("rows", "answers", f"its {count:,} rows are read as answers to {len(texts):,} texts"))
    for text in texts.values():
        yield _merged(text.rows, columns)
    yield from alone


def _identity(row: Row, columns: Mapping[str, str]) -> tuple[str, str]:
    assigned = map_columns(row.values, columns).assigned
    content = digest([[name, str(value)] for name, _, value in assigned if name.partition(".")[0] in _CONTENT_FIELDS])
    record_id = next((value for name, _, value in assigned if name == "record_id"), None)
    return content if record_id in (None, "") else f"id {record_id}", content


def _merged(rows: Sequence[Row], columns: Mapping[str, str]) -> Row:
    first = rows[0]
    assigned = map_columns(first.values, columns).assigned
    kept = {column for _, column, _ in assigned if column in first.values}
    answers = {column for name, column, _ in assigned if name.partition(".")[0] == "ground_truth"}
    values, differing = dict[str, Any](), dict[str, Any]()
    for name in dict.fromkeys(name for row in rows for name in row.values):
        cells = [row.values.get(name) for row in rows]
        if name in answers:
            values[name] = cells
        elif name in kept or all(cell == cells[0] for cell in cells):
            values[name] = cells[0] if all(cell == cells[0] for cell in cells) else cells
        else:
            differing[name] = cells
    if differing:
        values[ANSWERS_COLUMN] = differing
    return Row(first.line, values, first.source, first.typed, first.locators)
