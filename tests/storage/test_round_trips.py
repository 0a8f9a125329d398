"""Every written row comes back as a record with its text, or as a reject; nothing else happens."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.errors import StorageError
from contract.record import Record
from contract.storage import FileStorage
from flows.storage.reader import read_source
from flows.storage.rows import Reject
from tests.storage.workbooks import write_workbook

Rows: TypeAlias = Sequence[tuple[str, str, str]]
"""(id, text, note)."""


def _csv(path: Path, rows: Rows) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL)
        writer.writerows([("id", "text", "note"), *rows])


def _jsonl(path: Path, rows: Rows) -> None:
    lines = (json.dumps({"id": id_, "text": text, "note": note}) for id_, text, note in rows)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _json(path: Path, rows: Rows) -> None:
    items = [{"id": id_, "text": text, "note": note} for id_, text, note in rows]
    path.write_text(json.dumps({"records": items}, ensure_ascii=False, indent=1), encoding="utf-8")


def _xlsx(path: Path, rows: Rows) -> None:
    write_workbook(path, {"Rows": [("id", "text", "note"), *rows]})


def _parquet(path: Path, rows: Rows) -> None:
    import pyarrow as pa  # type: ignore[reportMissingTypeStubs]
    import pyarrow.parquet as pq  # type: ignore[reportMissingTypeStubs]

    columns: dict[str, Any] = {name: [row[at] for row in rows] for at, name in enumerate(("id", "text", "note"))}
    types: Any = pa.schema([(name, pa.string()) for name in columns])  # type: ignore[reportUnknownMemberType]
    pq.write_table(pa.table(columns, schema=types), path, row_group_size=3)  # type: ignore[reportUnknownMemberType]


# A row with a NUL character is rejected, so such rows are generated here too.
_IDS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=4)
_TEXTS = st.text(st.characters(codec="utf-8"), max_size=30)
# XML 1.0 has no control characters, and Excel reads text such as `_x000D_` as an escape.
_IN_XML = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn", "Co"), exclude_characters="_"), max_size=30
)
FORMATS: list[tuple[str, Callable[[Path, Rows], None], st.SearchStrategy[str], st.SearchStrategy[str]]] = [
    ("rows.csv", _csv, _IDS, _TEXTS),
    ("rows.jsonl", _jsonl, _IDS, _TEXTS),
    ("rows.json", _json, _IDS, _TEXTS),
    ("rows.xlsx", _xlsx, _IN_XML, _IN_XML),
    ("rows.parquet", _parquet, _IDS, _TEXTS),
]


def _read(path: Path) -> tuple[list[Record], list[Reject]]:
    found: list[Record | Reject] = []
    try:
        found += read_source(FileStorage(path=path))
    except StorageError as error:
        # Raised when nothing could be read; the rejects were yielded before.
        assert "no row could be read" in str(error) or "no rows" in str(error)
    records = [item for item in found if isinstance(item, Record)]
    return records, [item for item in found if isinstance(item, Reject)]


@pytest.mark.parametrize(("name", "write", "ids", "texts"), FORMATS, ids=[name for name, *_ in FORMATS])
def test_every_row_is_a_record_with_its_text_or_a_reject(
    name: str, write: Callable[[Path, Rows], None], ids: st.SearchStrategy[str], texts: st.SearchStrategy[str]
) -> None:
    @settings(max_examples=60, deadline=None)
    @given(st.lists(st.tuples(ids, texts, texts), max_size=12))
    def check(rows: Rows) -> None:
        # A row of a sheet without a value does not count as a row.
        there = [row for row in rows if any(row)] if name.endswith("xlsx") else rows
        with TemporaryDirectory() as folder:
            path = Path(folder) / name
            write(path, rows)
            records, rejects = _read(path)
        assert len(records) + len(rejects) == len(there)
        given_ids = {id_.strip() for id_, _, _ in there}
        waiting = [(text, note) for _, text, note in there]
        for record in records:
            note = record.metadata.get("note")
            at = waiting.index((record.text, note if isinstance(note, str) else ""))
            del waiting[: at + 1]
            assert record.record_id in given_ids or "" in given_ids
        assert len({record.record_id for record in records}) == len(records)

    check()
