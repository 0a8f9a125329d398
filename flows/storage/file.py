"""Reads rows of a file, chosen by its suffix, or of a folder of documents."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias, TypeGuard

from agents.safety.paths import is_hidden, is_inside
from contract.errors import StorageError
from contract.storage import FileStorage
from flows.storage.csv_files import csv_rows
from flows.storage.documents import DOCUMENT_SUFFIXES, document_rows
from flows.storage.encodings import guessed_encoding, with_guessed_encoding
from flows.storage.guesses import OnGuess, ignore_guess
from flows.storage.json_files import json_rows, jsonl_rows
from flows.storage.labels_beside_texts import with_labels
from flows.storage.packed_files import PACKED_SUFFIXES, unpacked
from flows.storage.rows import Reject, Row, Rows
from flows.storage.save_as import save_as_advice


def _sheet_rows(storage: FileStorage, on_guess: OnGuess) -> Rows:
    from flows.storage.spreadsheets import sheet_rows

    return sheet_rows(storage, on_guess)


def _parquet_rows(storage: FileStorage, _: OnGuess) -> Rows:
    from flows.storage.parquet import parquet_rows

    return parquet_rows(storage.path)


def _document_rows(storage: FileStorage, on_guess: OnGuess) -> Rows:
    rows = document_rows(storage.path, _encoding_of_each(storage, on_guess))
    labels = storage.labels_from
    if labels is None:
        return rows
    return with_labels(rows, storage, labels, lambda table: file_rows(table, on_guess), on_guess)


def _encoding_of_each(storage: FileStorage, on_guess: OnGuess) -> Callable[[Path], str]:
    """The encoding of each document of a folder; of those with one encoding that is guessed, the first is told."""
    told = set[str]()

    def encoding_of(path: Path) -> str:
        guess = None if "encoding" in storage.model_fields_set else guessed_encoding(path)
        if guess is None:
            return storage.encoding
        if guess.value not in told:
            told.add(guess.value)
            on_guess(guess)
        return guess.value

    return encoding_of


_Reader: TypeAlias = Callable[[FileStorage, OnGuess], Rows]


def _of_text(read: _Reader) -> _Reader:
    return lambda storage, on_guess: read(with_guessed_encoding(storage, on_guess), on_guess)


_READERS: Mapping[str, _Reader] = {
    ".jsonl": _of_text(lambda storage, _: jsonl_rows(storage.path, storage.encoding)),
    ".ndjson": _of_text(lambda storage, _: jsonl_rows(storage.path, storage.encoding)),
    ".json": _of_text(json_rows),
    ".csv": _of_text(lambda storage, on_guess: csv_rows(storage, None, on_guess)),
    ".tsv": _of_text(lambda storage, on_guess: csv_rows(storage, "\t", on_guess)),
    ".tab": _of_text(lambda storage, on_guess: csv_rows(storage, "\t", on_guess)),
    ".xlsx": _sheet_rows,
    ".xlsm": _sheet_rows,
    ".parquet": _parquet_rows,
    **dict.fromkeys(DOCUMENT_SUFFIXES, _document_rows),
}
_TEXT_SUFFIXES = (".txt", ".dat", ".data", "")
"""What a table of text may end in; it is one where its `delimiter` is set."""
READABLE_SUFFIXES = (*_READERS, *PACKED_SUFFIXES)
"""Suffixes of the files that can be read."""


def source_files(storage: FileStorage) -> list[Path]:
    """The files of the source, sorted; hidden files of a folder, and those in hidden folders, are left out.

    Raises StorageError if there are none, and for what else a folder may hold: links that lead out of it or nowhere or
    to folders, devices, pipes.
    """
    path = storage.path
    if path.is_dir():
        found = path.rglob("*") if storage.files is None else path.glob(storage.files)
        items = sorted(item for item in found if not is_hidden(item, path))
        if lost := next((item for item in items if item.is_symlink() and not item.exists()), None):
            raise StorageError(f"{lost} is a link that leads nowhere; put the file itself there, or remove the link")
        files = [item for item in items if item.is_file()]
        if not files:
            called = f" called {storage.files}" if storage.files else ""
            raise StorageError(f"the folder {path} holds no files{called}")
        if outside := next((item for item in items if not is_inside(item, [path])), None):
            itself = "folder" if outside.is_dir() else "file"
            raise StorageError(
                f"{outside} is a link that leads out of the folder {path}; put the {itself} itself there"
            )
        if unread := next((item for item in items if _is_passed_over(item)), None):
            what = "a link to a folder" if unread.is_dir() else "a device or a pipe"
            raise StorageError(f"{unread} is {what}, which is not read; put what is to be read itself there")
        return files
    if path.exists() and not path.is_file():
        raise StorageError(f"{path} is a device or a pipe, not a file; put a file there")
    if not path.is_file():
        raise StorageError(f"there is no file or folder {path}")
    return [path]


def _is_passed_over(path: Path) -> bool:
    """Whether a walk through a folder would read nothing there and say nothing of it."""
    return path.is_symlink() if path.is_dir() else not path.is_file()


def file_rows(storage: FileStorage, on_guess: OnGuess = ignore_guess) -> Rows:
    """Every row of the file or folder; `on_guess` is told what was guessed. Raises StorageError when it cannot be
    read.
    """
    files = source_files(storage)
    try:
        "".encode(storage.encoding)
    except LookupError:
        raise StorageError(f"there is no encoding '{storage.encoding}'; usual ones are utf-8, cp1252, utf-16") from None
    try:
        if storage.path.is_dir() and storage.files is not None:
            yield from _table_after_table(storage, files, on_guess)
        else:
            yield from _read(storage, on_guess)
    except UnicodeError as error:
        raise StorageError(f"{storage.path} is not text in the encoding {storage.encoding}: {error}") from None
    except OSError as error:
        raise StorageError(f"{storage.path} cannot be read: {error.strerror or error}") from None


def _table_after_table(storage: FileStorage, files: list[Path], on_guess: OnGuess) -> Rows:
    for path in files:
        name = path.relative_to(storage.path).as_posix()
        of_file = storage.model_copy(update={"path": path, "files": None})
        for row in _read(
            of_file, lambda guess, name=name: on_guess(replace(guess, message=f"{name}: {guess.message}"))
        ):
            yield replace(row, values={**row.values, "file": name}) if _lacks_file(row) else row


def _lacks_file(row: Row | Reject) -> TypeGuard[Row]:
    return isinstance(row, Row) and "file" not in row.values


def _read(storage: FileStorage, on_guess: OnGuess) -> Rows:
    path = storage.path
    if storage.labels_from is not None and not path.is_dir():
        raise StorageError(f"{path} is no folder: `labels_from` is for a folder of texts; leave it out")
    if path.is_file() and path.suffix.lower() in PACKED_SUFFIXES:
        with unpacked(path) as inner:
            try:
                for row in _reader(storage, inner)(storage.model_copy(update={"path": inner}), on_guess):
                    yield replace(row, source=str(path))
            except StorageError as error:
                raise StorageError(str(error).replace(str(inner), str(path))) from None
        return
    yield from _reader(storage, path)(storage, on_guess)


def _reader(storage: FileStorage, path: Path) -> _Reader:
    suffix = path.suffix.lower()
    if path.is_dir():
        return _document_rows
    if storage.delimiter is not None and suffix in _TEXT_SUFFIXES:
        return _READERS[".csv"]
    reader = _READERS.get(suffix)
    if reader is None:
        raise StorageError(f"{path}: {save_as_advice(path.suffix) or _unknown_kind(path.suffix)}")
    if storage.sheet is not None and reader is not _sheet_rows:
        raise StorageError(f"{path} has no sheets: `sheet` is for XLSX files; leave it out")
    return reader


def _unknown_kind(suffix: str) -> str:
    return f"the kind '{suffix}' is not known; known are {', '.join(READABLE_SUFFIXES)} and folders"
