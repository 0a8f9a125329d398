"""Reads the records of a source, one after another.

for item in read_source(FileStorage(path=Path("posts.csv"))):
    ...   # a Record, or a Reject that names the line and the reason
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from contract.errors import StorageError
from contract.record import Record
from contract.storage import FileStorage, HuggingFaceStorage, RecordStorage
from flows.storage.answer_rows import ANSWERS_COLUMN, ANSWERS_FIELD
from flows.storage.factory import source_rows
from flows.storage.names import source_name
from flows.storage.record_maker import RecordMaker
from flows.storage.rows import Reject, Row


def read_source(storage: RecordStorage) -> Iterator[Record | Reject]:
    """Every row, in order, as a Record or a Reject; memory stays flat however long the source is.

    Raises StorageError when the source is missing, of a kind not known, empty, or when none of its rows
    could become a record.
    """
    maker = record_maker(storage)
    record_count, first_reject = 0, None
    for row in source_rows(storage):
        item = maker.make_record(row) if isinstance(row, Row) else row
        if isinstance(item, Record):
            record_count += 1
        else:
            first_reject = first_reject or item
        yield item
    if not record_count:
        why = f"no row could be read; the first: {first_reject}" if first_reject else "it holds no rows"
        raise StorageError(f"{source_name(storage)}: {why}")


def read_valid_records(storage: RecordStorage, on_reject: Callable[[Reject], None]) -> Iterator[Record]:
    """The records alone; each Reject goes to `on_reject`. Raises StorageError as `read_source` does."""
    for item in read_source(storage):
        if isinstance(item, Record):
            yield item
        else:
            on_reject(item)


def mapped_columns(storage: RecordStorage) -> dict[str, str]:
    """Record field -> column, as `columns` names them, and that of what differs between several people's answers."""
    return {**storage.columns, **({ANSWERS_FIELD: ANSWERS_COLUMN} if storage.rows == "answers" else {})}


def record_maker(storage: RecordStorage) -> RecordMaker:
    """The RecordMaker for the source's rows. Raises StorageError when its `columns` name an unknown field."""
    columns = mapped_columns(storage)
    if isinstance(storage, FileStorage):
        path = storage.path
        return RecordMaker(columns, path if path.is_dir() else path.parent, fetch=storage.fetch)
    if not isinstance(storage, HuggingFaceStorage):
        return RecordMaker(columns, fetch=storage.fetch)
    from flows.storage.huggingface import local_folder

    return RecordMaker(columns, local_folder(storage), fetch=storage.fetch)
