"""Preview: the first rows of a source as a run would read them, so that a wrong column is seen before anything runs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contract.record import Record
from contract.storage import RecordStorage
from flows.config.folders import display_path
from flows.storage.columns import column_names, column_path, map_columns
from flows.storage.factory import source_rows
from flows.storage.guesses import Guess
from flows.storage.names import source_name
from flows.storage.nested_rows import readings_of_lists
from flows.storage.page_records import address_of
from flows.storage.reader import mapped_columns, record_maker
from flows.storage.record_maker import is_word_list
from flows.storage.rows import Reject, RepeatedRecord, Row
from flows.storage.values import MAX_DEPTH, is_too_deep, label_or_none, to_json_value, without_nan

MAX_ROWS = 1000
"""Rows that are read; fewer if they hold more than `MAX_BYTES`, as long PDFs and large pictures do."""
MAX_BYTES = 5_000_000
"""Bytes of rows that are read. Never a time: what a check says may not depend on the machine's speed."""
_LONG_NUMBER = re.compile(r"\d{16,}")
_WIDTH = 60
_MOST_VALUES = 20


@dataclass(frozen=True)
class FieldPreview:
    """One field of the first record: the column that it comes from, and the beginning of its value."""

    field: str
    column: str
    value: str


_VARYING = re.compile(r"'[^']*'|‘[^’]*’|\d+")
"""What differs between the reasons of one kind: ids, words of the row, numbers of lines."""
_REASONS = 5
"""Kinds of reasons that are shown."""


@dataclass
class Preview:
    """The first rows of a source, as records and rejects."""

    source: str
    rows: int = 0
    """Rows that were read."""
    more: bool = False
    """Whether the source has more rows after them."""
    records: int = 0
    rejects: int = 0
    other_answers: int = 0
    """Rejects that repeat a record with another answer of people."""
    first_reject: str | None = None
    reasons: dict[str, tuple[int, str]] = field(default_factory=dict[str, tuple[int, str]])
    """Kind of reason for leaving rows out -> for how many rows, and the first of them."""
    fields: list[FieldPreview] = field(default_factory=list[FieldPreview])
    """The fields of the first record."""
    metadata: list[str] = field(default_factory=list[str])
    """Columns that go to metadata under their own names."""
    addresses: list[str] = field(default_factory=list[str])
    """Addresses of web pages that are the whole text of a record."""
    fetch: bool = False
    """Whether a run reads the pages in their place."""
    ground_truth: list[str] = field(default_factory=list[str])
    """Names in the ground truth of the records."""
    answers: list[str] = field(default_factory=list[str])
    """How people's answers are read, by criterion, in words."""
    names: set[str] = field(default_factory=set[str])
    """Every column found, dotted if it is inside another."""
    absent: set[str] = field(default_factory=set[str])
    """Mapped columns that no row had."""
    alike: bool = True
    """Whether all rows had the same columns."""
    guesses: list[Guess] = field(default_factory=list[Guess])
    """What the files do not say and nobody has set."""
    first_row: dict[str, str] = field(default_factory=dict[str, str])
    """The first row, column by column, as it is read."""
    lists: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    """Each list of objects in the first row -> the first row where its items are the rows."""
    long_ids: list[str] = field(default_factory=list[str])
    """Ids that are numbers of more digits than a spreadsheet keeps."""
    values: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    """What the cells of each column hold, of the first few that differ."""
    word_lists: int = 0
    """Records whose text was a list of words."""

    @property
    def may_have_later_columns(self) -> bool:
        """Whether rows that were not read may have columns that those before have not."""
        return self.more and not self.alike


def preview_source(storage: RecordStorage, on_record: Sequence[Callable[[Record], None]] = ()) -> Preview:
    """Reads the first rows of the source, and calls each of `on_record` with each record.

    Raises StorageError as a run does when it reads the source, but not when every row is rejected.
    """
    maker = record_maker(storage)
    preview = Preview(source_name(storage), absent=set(storage.columns.values()), fetch=storage.fetch)
    size = 0
    first: set[str] | None = None
    for row in source_rows(storage, preview.guesses.append):
        # Rows that cannot be read stop it only by their number: the first that can may come after a large one.
        if preview.rows == MAX_ROWS or (preview.records and size > MAX_BYTES):
            preview.more = True
            break
        preview.rows += 1
        size += _row_size(row)
        made = row
        if isinstance(row, Row):
            preview.first_row = preview.first_row or _shown(row.values)
            if first is None:
                preview.lists = {path: _shown(values) for path, values in readings_of_lists(row).items()}
            first = first or set(row.values)
            _add_columns(preview, row, first)
            made = maker.make_record(row)
            if isinstance(made, Record):
                _add_record(preview, row, made, mapped_columns(storage))
                size += sum(len(picture.data or b"") for picture in made.images)
                for add in on_record:
                    add(made)
        if isinstance(made, Reject):
            preview.rejects += 1
            preview.other_answers += isinstance(made, RepeatedRecord)
            preview.first_reject = preview.first_reject or _reject_text(made)
            kind = _VARYING.sub("…", made.reason)
            count, text = preview.reasons.get(kind, (0, _reject_text(made)))
            preview.reasons[kind] = (count + 1, text)
        else:
            preview.records += 1
    if not preview.names:
        preview.absent = set()
    return preview


def _shown(values: Mapping[str, Any]) -> dict[str, str]:
    return {str(name): _truncated(_plain(one)) for name, one in values.items()}


def _row_size(row: Row | Reject) -> int:
    """Bytes of a row, about; of the file, where the row is a whole document."""
    if row.line == 0 and (path := Path(row.source)).is_file():
        return path.stat().st_size
    return (
        sum(len(value) for value in row.values.values() if isinstance(value, str | bytes))
        if isinstance(row, Row)
        else 0
    )


def _add_columns(preview: Preview, row: Row, first: set[str]) -> None:
    preview.absent -= {column for column in preview.absent if column_path(row.values, column)}
    if set(row.values) != first:
        preview.alike = False
    preview.names.update(row.values, column_names(row.values))


def _add_record(preview: Preview, row: Row, record: Record, columns: Mapping[str, str]) -> None:
    if _LONG_NUMBER.fullmatch(record.record_id):
        preview.long_ids.append(record.record_id)
    for column, value in row.values.items():
        held = preview.values.setdefault(column, set())
        if isinstance(value, str | int | float) and len(held) < _MOST_VALUES and (text := str(value).strip().lower()):
            held.add(text)
    if url := address_of(record):
        preview.addresses.append(url)
    places = map_columns(row.values, columns)
    preview.word_lists += any(name == "text" and is_word_list(value) for name, _, value in places.assigned)
    preview.ground_truth += [name for name in record.ground_truth or {} if name not in preview.ground_truth]
    if preview.records:
        return
    preview.fields = [
        FieldPreview(name, column, _truncated(_display_value(name, value, row)))
        for name, column, value in places.assigned
    ]
    preview.metadata = list(places.rest)


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value
    return f"(nested more than {MAX_DEPTH} deep)" if is_too_deep(value) else to_json_value(without_nan(value))


def _display_value(name: str, value: Any, row: Row) -> Any:
    labelled = name.startswith("ground_truth") and not row.typed
    return _plain(label_or_none(value) if labelled else value)


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


def _page_lines(preview: Preview) -> Iterator[str]:
    if not preview.addresses:
        yield "    pages of the web that a run fetches: none, for no row is only an address"
        return
    more = f", and {len(preview.addresses) - 1:,} more" if len(preview.addresses) > 1 else ""
    yield f"    pages of the web that a run fetches: {preview.addresses[0]}{more}"


def rows_text(preview: Preview) -> str:
    """Which rows were read, in words: `of the first 1,000 rows`, or `of the 20 rows` if there are no more."""
    noun = "row" if preview.rows == 1 else "rows"
    return f"of the first {preview.rows:,} {noun}" if preview.more else f"of the {preview.rows:,} {noun}"


def left_out_text(previews: Iterable[Preview]) -> str:
    """That more rows are left out than read, for whoever reads one line: `, but 39 of the 40 rows are left out`."""
    most = [preview for preview in previews if preview.rejects > preview.records]
    return "".join(f", but {preview.rejects:,} {rows_text(preview)} are left out" for preview in most)


def preview_lines(preview: Preview) -> Iterator[str]:
    """The lines of the preview for a terminal."""
    source = display_path(Path(preview.source))
    yield f"  {source}: {rows_text(preview)} {preview.records:,} can be read, {preview.rejects:,} cannot"
    if len(preview.reasons) == 1:
        yield f"    left out, the first: {preview.first_reject}"
    else:
        # The reason that leaves out most rows may not be that of the first.
        for count, text in sorted(preview.reasons.values(), reverse=True)[:_REASONS]:
            noun = "1 row, which is" if count == 1 else f"{count:,} rows, the first"
            yield f"    left out: {noun} {text}"
    width = max((len(one.field) for one in preview.fields), default=0)
    columns = max((len(one.column) for one in preview.fields), default=0)
    for one in preview.fields:
        yield f"    {one.field:<{width}} <- {one.column:<{columns}}  {one.value}"
    if preview.fetch:
        yield from _page_lines(preview)
    if preview.metadata:
        yield f"    to metadata, under their own names: {', '.join(preview.metadata)}"
    yield f"    ground truth: {', '.join(preview.ground_truth) or 'none'}"
    yield from (f"    {text}" for text in preview.answers)
