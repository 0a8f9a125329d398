"""Preview: the first rows of a source as a run would read them, so that a wrong column is seen before anything runs."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from contract.record import Record
from contract.storage import RecordStorage
from flows.config.folders import display_path
from flows.storage.columns import column_path, map_columns
from flows.storage.factory import source_rows
from flows.storage.names import source_name
from flows.storage.reader import record_maker
from flows.storage.rows import Reject, Row
from flows.storage.values import label_or_none, to_json_value, without_nan

MAX_ROWS = 1000
"""Rows that are looked at; fewer where that takes longer than `SECONDS`, as with long PDFs and large pictures."""
MAX_SECONDS = 3.0
_WIDTH = 60


@dataclass(frozen=True)
class FieldPreview:
    """One field of the first record: the column that it comes from, and the beginning of its value."""

    field: str
    column: str
    value: str


@dataclass
class Preview:
    """What the first rows of a source became."""

    source: str
    rows: int = 0
    """How many were looked at."""
    more: bool = False
    """Whether the source goes on behind them."""
    records: int = 0
    rejects: int = 0
    first_reject: str | None = None
    fields: list[FieldPreview] = field(default_factory=list[FieldPreview])
    """Of the first record."""
    metadata: list[str] = field(default_factory=list[str])
    """Columns that go to metadata under their own names."""
    ground_truth: list[str] = field(default_factory=list[str])
    """Names of what the records hold as ground truth."""
    names: set[str] = field(default_factory=set[str])
    """Every column seen, dotted where one holds others."""
    absent: set[str] = field(default_factory=set[str])
    """Mapped columns that no row had."""
    alike: bool = True
    """Whether all rows had the same columns."""


def preview_source(storage: RecordStorage, on_record: Callable[[Record], None] | None = None) -> Preview:
    """The first rows of the source; `look_on` is shown each record.

    Raises StorageError as reading it does, but not when every row is rejected.
    """
    maker = record_maker(storage)
    seen = Preview(source_name(storage), absent=set(storage.columns.values()))
    deadline = time.monotonic() + MAX_SECONDS
    first: set[str] | None = None
    for row in source_rows(storage):
        if seen.rows == MAX_ROWS or (seen.rows and time.monotonic() > deadline):
            seen.more = True
            break
        seen.rows += 1
        made = row
        if isinstance(row, Row):
            first = first or set(row.values)
            _note_columns(seen, row, first)
            made = maker.make_record(row)
            if isinstance(made, Record):
                _note_record(seen, row, made, storage.columns)
                if on_record:
                    on_record(made)
        if isinstance(made, Reject):
            seen.rejects += 1
            seen.first_reject = seen.first_reject or _reject_text(made)
        else:
            seen.records += 1
    if not seen.names:
        seen.absent = set()
    return seen


def _note_columns(seen: Preview, row: Row, first: set[str]) -> None:
    seen.absent -= {column for column in seen.absent if column_path(row.values, column)}
    if set(row.values) != first:
        seen.alike = False
    for name, value in row.values.items():
        seen.names.add(name)
        if isinstance(value, Mapping):
            seen.names.update(f"{name}.{inner}" for inner in cast("Mapping[str, Any]", value))


def _note_record(seen: Preview, row: Row, record: Record, columns: Mapping[str, str]) -> None:
    seen.ground_truth += [name for name in record.ground_truth or {} if name not in seen.ground_truth]
    if seen.records:
        return
    places = map_columns(row.values, columns)
    seen.fields = [
        FieldPreview(name, column, _truncated(_display_value(name, value, row)))
        for name, column, value in places.assigned
    ]
    seen.metadata = list(places.rest)


def _display_value(name: str, value: Any, row: Row) -> Any:
    labelled = name.startswith("ground_truth") and not row.typed
    return (
        value if isinstance(value, bytes) else to_json_value(without_nan(label_or_none(value) if labelled else value))
    )


def _truncated(value: Any) -> str:
    if value is None:
        return "(missing)"
    if isinstance(value, bytes):
        return f"({len(value):,} bytes)"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    text = " ".join(text[: _WIDTH * 4].split())
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 1]}…"


def _reject_text(reject: Reject) -> str:
    return str(Reject(reject.line, reject.reason, "", display_path(Path(reject.source)) if reject.source else ""))


def rows_text(seen: Preview) -> str:
    """Which rows were looked at, in words: `of the first 1,000 rows`, or `of the 20 rows` where those are all."""
    noun = "row" if seen.rows == 1 else "rows"
    return f"of the first {seen.rows:,} {noun}" if seen.more else f"of the {seen.rows:,} {noun}"


def preview_lines(seen: Preview) -> Iterator[str]:
    """The preview for a reader at a terminal."""
    yield f"  {display_path(Path(seen.source))}: {rows_text(seen)} {seen.records:,} can be read, {seen.rejects:,} cannot"
    if seen.first_reject:
        yield f"    left out, the first: {seen.first_reject}"
    width = max((len(one.field) for one in seen.fields), default=0)
    columns = max((len(one.column) for one in seen.fields), default=0)
    for one in seen.fields:
        yield f"    {one.field:<{width}} <- {one.column:<{columns}}  {one.value}"
    if seen.metadata:
        yield f"    to metadata, under their own names: {', '.join(seen.metadata)}"
    yield f"    ground truth: {', '.join(seen.ground_truth) or 'none'}"
