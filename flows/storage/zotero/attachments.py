"""The files of a library's entries: found below one folder, or fetched from Zotero's service into the cache.

Nothing outside that folder is read, whatever path a library names, and no file is fetched from an address that is not
on the public web.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from hashlib import md5
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from agents.safety.paths import is_inside, is_there
from contract.errors import FetchRefused
from contract.secrets import is_loopback_host
from contract.zotero import ZoteroStorage
from flows.config.folders import display_path
from flows.files.cache import cache_folder
from flows.storage.documents import DOCUMENT_SUFFIXES
from flows.storage.zotero.api import ZoteroApi

_KEY = re.compile(r"[A-Z0-9]{8}")
_MD5 = re.compile(r"[0-9a-f]{32}")
_LINK_ONLY = "linked_url"
_PREFERENCE = {suffix: place for place, suffix in enumerate((".pdf", ".epub", ".docx", ".odt", ".rtf"))}


class Attachments:
    """The files of one library."""

    def __init__(self, storage: ZoteroStorage, api: ZoteroApi) -> None:
        self._storage = storage
        self._api = api
        self._folder = attachment_folder(storage)

    def find(self, data: Mapping[str, Any]) -> Path | str:
        """The file of the attachment, or why it is not read."""
        key, name = str(data.get("key")), Path(str(data.get("filename") or data.get("path") or "")).name
        if not _KEY.fullmatch(key):
            return "its key is none of Zotero's"
        if Path(name).suffix.lower() not in DOCUMENT_SUFFIXES:
            return f"none of {', '.join(DOCUMENT_SUFFIXES)}, so it was not read"
        found = self._on_this_machine(key, name)
        return found if isinstance(found, Path) or self._storage.is_local else self._fetched(data, key, name) or found

    def text_without_pages(self, data: Mapping[str, Any]) -> str | None:
        """What Zotero itself has read of the attachment's file, where it has."""
        key = str(data.get("key"))
        return self._api.full_text(key) if _KEY.fullmatch(key) else None

    def _on_this_machine(self, key: str, name: str) -> Path | str:
        path = self._local_path(key) if self._storage.is_local else self._in_folder(key, name)
        if path is None or not is_there(path) or not path.is_file():
            return "its file is not on this machine"
        if self._folder is None or not is_inside(path, [self._folder]):
            place = display_path(self._folder) if self._folder else "Zotero's folder"
            return f"its file is not below {place}, and no other place is read; name its folder with `attachments`"
        if path.suffix.lower() not in DOCUMENT_SUFFIXES:
            return f"none of {', '.join(DOCUMENT_SUFFIXES)}, so it was not read"
        if path.stat().st_size > self._storage.most_bytes:
            return f"its file is larger than {self._storage.most_bytes:,} bytes"
        return path

    def _local_path(self, key: str) -> Path | None:
        address = urlsplit(self._api.file_address(key) or "")
        if address.scheme != "file" or address.netloc not in ("", "localhost") or "\0" in unquote(address.path):
            return None
        return Path(url2pathname(address.path))

    def _in_folder(self, key: str, name: str) -> Path | None:
        if self._folder is None:
            return None
        return next((path for path in (self._folder / key / name, self._folder / name) if is_there(path)), None)

    def _fetched(self, data: Mapping[str, Any], key: str, name: str) -> Path | str | None:
        """The file in the cache, fetched where it is not there yet."""
        digest = str(data.get("md5"))
        if data.get("linkMode") not in ("imported_file", "imported_url"):
            return "its file is only on the machine of whoever linked it"
        kept = cache_folder() / "zotero" / f"{digest}{Path(name).suffix.lower()}"
        if _MD5.fullmatch(digest) and kept.is_file():
            return kept
        content = self._api.file(key)
        if isinstance(content, str):
            try:
                content = asyncio.run(self._from_the_web(content))
            except FetchRefused as error:
                return f"its file cannot be fetched: {error}"
        if content is None:
            return "Zotero's service does not have its file"
        # Zotero names files by MD5; it guards against a broken transfer, and against nothing else.
        found = md5(content, usedforsecurity=False).hexdigest()
        if _MD5.fullmatch(digest) and found != digest:
            return "its file is not the one that Zotero's service describes"
        kept = kept.with_stem(found)
        kept.parent.mkdir(parents=True, exist_ok=True)
        whole = kept.with_suffix(f"{kept.suffix}.new")
        whole.write_bytes(content)
        whole.replace(kept)
        return kept

    async def _from_the_web(self, address: str) -> bytes:
        from agents.tools.web.guarded_http import FetchLimits, GuardedHttp

        origin = urlsplit(self._storage.origin)
        local = frozenset({origin.netloc}) if is_loopback_host(origin.hostname or "") else frozenset[str]()
        limits = FetchLimits(bytes=self._storage.most_bytes, seconds=self._storage.timeout_seconds * 5)
        async with GuardedHttp(limits, local=local) as http:
            page = await http.get(address)
        if page.status != HTTPStatus.OK:
            raise FetchRefused(f"HTTP {page.status}")
        return page.content


def attachment_folder(storage: ZoteroStorage) -> Path | None:
    """The one folder whose files are read; None where there is none."""
    if storage.attachments is not None:
        return storage.attachments
    return Path.home() / "Zotero" / "storage" if storage.is_local else None


def has_file(data: Mapping[str, Any]) -> bool:
    """Whether the attachment is more than an address of the web."""
    return data.get("linkMode") != _LINK_ONLY


def in_reading_order(attachments: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The files to read of one entry: PDFs and books first; pages that were saved only where there is nothing else."""

    def place(data: Mapping[str, Any]) -> tuple[int, str, str]:
        suffix = Path(str(data.get("filename") or data.get("path") or "")).suffix.lower()
        return _PREFERENCE.get(suffix, len(_PREFERENCE)), str(data.get("dateAdded")), str(data.get("key"))

    ordered = sorted(filter(has_file, attachments), key=place)
    best = [data for data in ordered if place(data)[0] < len(_PREFERENCE)]
    return best or ordered
