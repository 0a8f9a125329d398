"""File: records out of a source that a storage names, one after another.

for item in read(FileStorage(path=Path("posts.csv"))):
    ...   # a Record, or a Reject that says which line could not be one and why
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from agents.sandbox import stays_below
from contract.errors import StorageError
from contract.record import Record
from contract.storage import FileStorage, HuggingFaceStorage, RecordStorage
from flows.storage.jsons import json_rows, jsonl_rows
from flows.storage.maker import RecordMaker
from flows.storage.rows import Reject, Row, Rows
from flows.storage.tables import table_rows
from flows.storage.texts import document_rows

__all__ = ["KINDS", "Reject", "called", "files_of", "maker_of", "read", "records", "rows_of"]


def _sheet(storage: FileStorage) -> Rows:
    from flows.storage.spreadsheets import sheet_rows

    return sheet_rows(storage.path, storage.sheet)


def _parquet(storage: FileStorage) -> Rows:
    from flows.storage.parquet import parquet_rows

    return parquet_rows(storage.path)


_READERS: Mapping[str, Callable[[FileStorage], Rows]] = {
    ".jsonl": lambda storage: jsonl_rows(storage.path, storage.encoding),
    ".ndjson": lambda storage: jsonl_rows(storage.path, storage.encoding),
    ".json": lambda storage: json_rows(storage.path, storage.encoding),
    ".csv": lambda storage: table_rows(storage.path, storage.encoding, None),
    ".tsv": lambda storage: table_rows(storage.path, storage.encoding, "\t"),
    ".xlsx": _sheet,
    ".xlsm": _sheet,
    ".parquet": _parquet,
    ".txt": lambda storage: document_rows(storage.path, storage.encoding),
    ".md": lambda storage: document_rows(storage.path, storage.encoding),
    ".pdf": lambda storage: document_rows(storage.path, storage.encoding),
}
KINDS = tuple(_READERS)
"""Endings of the files that can be read."""


def read(storage: RecordStorage) -> Iterator[Record | Reject]:
    """Every row, in order, as a Record or a Reject; memory stays flat however long the source is.

    Raises StorageError when the source is missing, of a kind not known, empty, or when none of its rows
    could become a record.
    """
    maker = maker_of(storage)
    good, first_reject = 0, None
    for row in rows_of(storage):
        item = maker.make(row) if isinstance(row, Row) else row
        if isinstance(item, Record):
            good += 1
        else:
            first_reject = first_reject or item
        yield item
    if not good:
        why = f"no row could be read; the first: {first_reject}" if first_reject else "it holds no rows"
        raise StorageError(f"{called(storage)}: {why}")


def records(storage: RecordStorage, on_reject: Callable[[Reject], None]) -> Iterator[Record]:
    """The records alone; each Reject goes to `on_reject`. Raises StorageError as `read` does."""
    for item in read(storage):
        if isinstance(item, Record):
            yield item
        else:
            on_reject(item)


def called(storage: RecordStorage) -> str:
    """The source as its owner knows it."""
    from flows.storage.factory import name_of

    return name_of(storage)


def files_of(storage: FileStorage) -> list[Path]:
    """The files that the source consists of, sorted. Raises StorageError if there are none."""
    path = storage.path
    if path.is_dir():
        files = sorted(item for item in path.rglob("*") if item.is_file() and not item.name.startswith("."))
        if not files:
            raise StorageError(f"the folder {path} holds no files")
        if away := next((item for item in files if not stays_below(item, [path])), None):
            raise StorageError(f"{away} is a link that leads out of the folder {path}; put the file itself there")
        return files
    if not path.is_file():
        raise StorageError(f"there is no file or folder {path}")
    return [path]


def maker_of(storage: RecordStorage) -> RecordMaker:
    """What makes records of the source's rows. Raises StorageError when its `columns` name an unknown field."""
    if isinstance(storage, FileStorage):
        path = storage.path
        return RecordMaker(storage.columns, path if path.is_dir() else path.parent)
    if not isinstance(storage, HuggingFaceStorage):
        return RecordMaker(storage.columns)
    from flows.storage.huggingface import on_disk

    return RecordMaker(storage.columns, on_disk(storage))


def rows_of(storage: RecordStorage) -> Rows:
    """Every row of the source. Raises StorageError when it cannot be read."""
    if not isinstance(storage, FileStorage):
        from flows.storage.factory import rows_elsewhere

        yield from rows_elsewhere(storage)
        return
    reader = _reader(storage)
    try:
        yield from reader(storage)
    except UnicodeError as error:
        raise StorageError(f"{storage.path} is not text in the encoding {storage.encoding}: {error}") from None
    except OSError as error:
        raise StorageError(f"{storage.path} cannot be read: {error.strerror or error}") from None


def _reader(storage: FileStorage) -> Callable[[FileStorage], Rows]:
    path = storage.path
    files_of(storage)
    try:
        "".encode(storage.encoding)
    except LookupError:
        raise StorageError(f"there is no encoding '{storage.encoding}'; usual ones are utf-8, cp1252, utf-16") from None
    if path.is_dir():
        return _READERS[".txt"]
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise StorageError(f"{path}: the kind '{path.suffix}' is not known; known are {', '.join(KINDS)} and folders")
    if storage.sheet is not None and reader is not _sheet:
        raise StorageError(f"{path} has no sheets: `sheet` is for XLSX files")
    return reader
