"""Reads rows of a file, chosen by its suffix, or of a folder of documents."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from agents.safety.paths import is_inside
from contract.errors import StorageError
from contract.storage import FileStorage
from flows.storage.csv_files import csv_rows
from flows.storage.documents import document_rows
from flows.storage.json_files import json_rows, jsonl_rows
from flows.storage.rows import Rows
from flows.storage.save_as import save_as_advice


def _sheet_rows(storage: FileStorage) -> Rows:
    from flows.storage.spreadsheets import sheet_rows

    return sheet_rows(storage.path, storage.sheet)


def _parquet_rows(storage: FileStorage) -> Rows:
    from flows.storage.parquet import parquet_rows

    return parquet_rows(storage.path)


_READERS: Mapping[str, Callable[[FileStorage], Rows]] = {
    ".jsonl": lambda storage: jsonl_rows(storage.path, storage.encoding),
    ".ndjson": lambda storage: jsonl_rows(storage.path, storage.encoding),
    ".json": lambda storage: json_rows(storage.path, storage.encoding),
    ".csv": lambda storage: csv_rows(storage.path, storage.encoding, None),
    ".tsv": lambda storage: csv_rows(storage.path, storage.encoding, "\t"),
    ".xlsx": _sheet_rows,
    ".xlsm": _sheet_rows,
    ".parquet": _parquet_rows,
    ".txt": lambda storage: document_rows(storage.path, storage.encoding),
    ".md": lambda storage: document_rows(storage.path, storage.encoding),
    ".pdf": lambda storage: document_rows(storage.path, storage.encoding),
}
READABLE_SUFFIXES = tuple(_READERS)
"""Suffixes of the files that can be read."""


def source_files(storage: FileStorage) -> list[Path]:
    """The files of the source, sorted; hidden files of a folder are left out.

    Raises StorageError if there are none, or if a link leads out of the folder or nowhere.
    """
    path = storage.path
    if path.is_dir():
        items = sorted(item for item in path.rglob("*") if not item.name.startswith("."))
        if lost := next((item for item in items if item.is_symlink() and not item.exists()), None):
            raise StorageError(f"{lost} is a link that leads nowhere; put the file itself there, or remove the link")
        files = [item for item in items if item.is_file()]
        if not files:
            raise StorageError(f"the folder {path} holds no files")
        if outside := next((item for item in files if not is_inside(item, [path])), None):
            raise StorageError(f"{outside} is a link that leads out of the folder {path}; put the file itself there")
        return files
    if not path.is_file():
        raise StorageError(f"there is no file or folder {path}")
    return [path]


def file_rows(storage: FileStorage) -> Rows:
    """Every row of the file or folder. Raises StorageError when it cannot be read."""
    reader = _row_reader(storage)
    try:
        yield from reader(storage)
    except UnicodeError as error:
        raise StorageError(f"{storage.path} is not text in the encoding {storage.encoding}: {error}") from None
    except OSError as error:
        raise StorageError(f"{storage.path} cannot be read: {error.strerror or error}") from None


def _row_reader(storage: FileStorage) -> Callable[[FileStorage], Rows]:
    path = storage.path
    source_files(storage)
    try:
        "".encode(storage.encoding)
    except LookupError:
        raise StorageError(f"there is no encoding '{storage.encoding}'; usual ones are utf-8, cp1252, utf-16") from None
    if path.is_dir():
        return _READERS[".txt"]
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        advice = save_as_advice(path.suffix)
        raise StorageError(f"{path}: {advice or _unknown_kind(path.suffix)}")
    if storage.sheet is not None and reader is not _sheet_rows:
        raise StorageError(f"{path} has no sheets: `sheet` is for XLSX files; leave it out")
    return reader


def _unknown_kind(suffix: str) -> str:
    return f"the kind '{suffix}' is not known; known are {', '.join(READABLE_SUFFIXES)} and folders"
