"""Reads a library of literature: a row for each entry and file, with the entry's metadata and the file's pages."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from contract.errors import StorageError
from contract.storage import FileStorage
from contract.zotero import ZoteroStorage
from flows.storage.documents import DOCUMENT_SUFFIXES, document_rows
from flows.storage.encodings import DEFAULT_ENCODING
from flows.storage.file import source_files
from flows.storage.rows import Reject, Row, Rows
from flows.storage.zotero.api import ZoteroApi
from flows.storage.zotero.attachments import Attachments, attachment_folder, has_file, in_reading_order
from flows.storage.zotero.csl import address_of, cleaned, entry_id, metadata_of, read_items
from flows.storage.zotero.matching import EntryMatcher

_NOTHING_TO_READ = "no text: it has neither a file that can be read nor an abstract"
_TEXT_WITHOUT_PAGES = "Zotero's own reading of the file, without pages"


def library_rows(storage: ZoteroStorage) -> Rows:
    """Every entry as rows. Entries of which only the abstract is known come last. Raises StorageError."""
    if storage.path is not None:
        try:
            text = storage.path.read_text(encoding="utf-8-sig")
        except UnicodeError as error:
            raise StorageError(f"{storage.path} is not text in UTF-8: {error}") from None
        except OSError as error:
            raise StorageError(f"{storage.path} cannot be read: {error.strerror or error}") from None
        yield from _of_folder(read_items(text, str(storage.path)), storage)
        return
    with ZoteroApi(storage) as api:
        if storage.is_local or storage.is_web:
            yield from _Library(storage, api).rows()
        else:
            yield from _of_folder(api.entries(), storage)


class _Library:
    """A library whose attachments Zotero names."""

    def __init__(self, storage: ZoteroStorage, api: ZoteroApi) -> None:
        self._api = api
        self._files = Attachments(storage, api)

    def rows(self) -> Rows:
        by_key = {entry_id(item): item for item in self._api.entries()}
        of_item = defaultdict[str, list[Mapping[str, Any]]](list)
        for data in self._api.attachments():
            of_item[str(data.get("parentItem") or "")].append(data)
        abstracts = list[Row | Reject]()
        for key, item in by_key.items():
            rows = list(self._of_entry(key, item, of_item[key]))
            yield from rows
            if not any(isinstance(row, Row) for row in rows):
                abstracts.append(_abstract(item, key))
        for data in in_reading_order(of_item[""]):
            yield from self._of_file(str(data.get("key")), None, data)
        yield from abstracts

    def _of_entry(self, key: str, item: Mapping[str, Any], attachments: list[Mapping[str, Any]]) -> Rows:
        name = key
        for data in in_reading_order(attachments):
            rows = list(self._of_file(name, item, data))
            if any(isinstance(row, Row) for row in rows):
                name = f"{key}/{data.get('key')}"
            yield from rows
        if attachments and not any(map(has_file, attachments)):
            yield Reject(0, "it has an address, and no file", "", _described(item))

    def _of_file(self, name: str, item: Mapping[str, Any] | None, data: Mapping[str, Any]) -> Rows:
        described = _described(item) if item else str(data.get("title") or data.get("filename") or name)
        found = self._files.find(data)
        if isinstance(found, Path):
            for row in document_rows(found, lambda _: DEFAULT_ENCODING):
                yield _row(name, row, item) if isinstance(row, Row) else replace(row, source=described)
            return
        text = self._files.text_without_pages(data)
        yield Reject(0, f"{found}; {_TEXT_WITHOUT_PAGES} is used" if text else found, "", described)
        if text:
            values = {"title": str(data.get("title") or name), "text": text, "read_from": _TEXT_WITHOUT_PAGES}
            yield _row(name, Row(0, values, described), item)


def _of_folder(items: list[Mapping[str, Any]], storage: ZoteroStorage) -> Rows:
    """The documents of a folder, each with its entry where one fits; then entries without a document."""
    matcher, folder = EntryMatcher(items), attachment_folder(storage)
    read = set[int]()
    for path in _documents(folder) if folder else ():
        for row in document_rows(path, lambda _: DEFAULT_ENCODING):
            name = path.relative_to(folder).with_suffix("").as_posix() if folder else path.stem
            if isinstance(row, Reject):
                yield row
                continue
            item = matcher.find(name, str(row.values.get("text")))
            again = item is not None and id(item) in read
            yield _row(f"{entry_id(item)}/{name}" if item and again else entry_id(item) if item else name, row, item)
            read.add(id(item))
    yield from (_abstract(item, entry_id(item)) for item in items if id(item) not in read)


def _documents(folder: Path) -> Iterator[Path]:
    for path in source_files(FileStorage(path=folder)):
        if path.suffix.lower() in DOCUMENT_SUFFIXES:
            yield path


def _abstract(item: Mapping[str, Any], name: str) -> Row | Reject:
    abstract = item.get("abstract")
    if not isinstance(abstract, str) or not abstract.strip():
        return Reject(0, _NOTHING_TO_READ, "", _described(item))
    return _row(name, Row(0, {"sections": {"abstract": abstract.strip()}}, _described(item)), item)


def _row(name: str, row: Row, item: Mapping[str, Any] | None) -> Row:
    """The row of a document under the name, the title and the metadata of its entry."""
    values = dict(row.values)
    parts = {field: values.pop(field) for field in ("text", "sections") if field in values}
    values.pop("record_id", None)
    title = values.pop("title", None)
    if item is None:
        return replace(row, values={"record_id": name, "title": title or name, "metadata": values, **parts})
    csl = cleaned(item)
    values.pop("author", None)
    return replace(
        row,
        values={
            "record_id": name,
            "title": csl.get("title") or title or name,
            "metadata": {**values, **metadata_of(item, csl)},
            **({"uri": address} if (address := address_of(csl)) else {}),
            **parts,
        },
    )


def _described(item: Mapping[str, Any]) -> str:
    return str(cleaned(item).get("title") or entry_id(item))
