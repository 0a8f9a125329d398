"""The state of a library: what changes when one of its entries or files does, found without reading them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from contract.base import JsonValue
from contract.errors import StorageError
from contract.zotero import ZoteroStorage
from flows.storage.zotero.api import ZoteroApi
from flows.storage.zotero.attachments import attachment_folder


def library_state(storage: ZoteroStorage) -> JsonValue:
    """The entries' state as the library tells it, and size and time of each file. Raises StorageError."""
    if storage.path is not None:
        if not storage.path.is_file():
            raise StorageError(f"there is no file {storage.path}")
        entries: JsonValue = [*_stat(storage.path)]
    else:
        with ZoteroApi(storage) as api:
            entries = [*api.state()]
    return [storage.library, storage.collection, entries, *_files(attachment_folder(storage))]


def _files(folder: Path | None) -> Iterator[JsonValue]:
    if folder is not None and folder.is_dir():
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                yield [path.relative_to(folder).as_posix(), *_stat(path)]


def _stat(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns
