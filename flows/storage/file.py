"""File: records out of a file or folder on this machine, one after another.

for item in read(FileStorage(path=Path("posts.csv"))):
    ...   # a Record, or a Reject that says which line could not be one and why
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import chain
from pathlib import Path

from contract.errors import StorageError
from contract.record import Record
from contract.storage import FileStorage
from flows.storage.columns import RecordMaker
from flows.storage.rows import Reject, Row, Rows, document_rows, json_rows, jsonl_rows, table_rows

__all__ = ["Reject", "files_of", "read", "records"]

_READERS: Mapping[str, Callable[[Path, str], Rows]] = {
    ".jsonl": jsonl_rows,
    ".ndjson": jsonl_rows,
    ".json": json_rows,
    ".csv": partial(table_rows, delimiter=None),
    ".tsv": partial(table_rows, delimiter="\t"),
    ".txt": document_rows,
    ".md": document_rows,
}


def read(storage: FileStorage) -> Iterator[Record | Reject]:
    """Every row, in order, as a Record or a Reject; memory stays flat however long the source is.

    Raises StorageError when the source is missing, of a kind not known, empty, or when none of its rows
    could become a record.
    """
    maker = RecordMaker(storage.columns)
    good, first_reject = 0, None
    try:
        for row in _rows(storage):
            item = maker.make(row) if isinstance(row, Row) else row
            if isinstance(item, Record):
                good += 1
            else:
                first_reject = first_reject or item
            yield item
    except UnicodeError as error:
        raise StorageError(f"{storage.path} is not text in the encoding {storage.encoding}: {error}") from None
    except OSError as error:
        raise StorageError(f"{storage.path} cannot be read: {error.strerror or error}") from None
    if not good:
        why = f"no row could be read; the first: {first_reject}" if first_reject else "it holds no rows"
        raise StorageError(f"{storage.path}: {why}")


def records(storage: FileStorage, on_reject: Callable[[Reject], None]) -> Iterator[Record]:
    """The records alone; each Reject goes to `on_reject`. Raises StorageError as `read` does."""
    for item in read(storage):
        if isinstance(item, Record):
            yield item
        else:
            on_reject(item)


def files_of(storage: FileStorage) -> list[Path]:
    """The files that the source consists of, sorted. Raises StorageError if there are none."""
    path = storage.path
    if path.is_dir():
        files = sorted(item for item in path.rglob("*") if item.is_file() and not item.name.startswith("."))
        if not files:
            raise StorageError(f"the folder {path} holds no files")
        return files
    if not path.is_file():
        raise StorageError(f"there is no file or folder {path}")
    return [path]


def _rows(storage: FileStorage) -> Rows:
    path = storage.path
    files_of(storage)
    try:
        "".encode(storage.encoding)
    except LookupError:
        raise StorageError(f"there is no encoding '{storage.encoding}'; usual ones are utf-8, cp1252, utf-16") from None
    reader = document_rows if path.is_dir() else _READERS.get(path.suffix.lower())
    if reader is None:
        raise StorageError(
            f"{path}: the kind '{path.suffix}' is not known; known are {', '.join(_READERS)} and folders"
        )
    return chain(reader(path, storage.encoding))
