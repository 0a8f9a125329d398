"""Keeps the pages that records stand for, by address: the same study again needs no network, and reads the same."""

from __future__ import annotations

import asyncio

from pydantic import ValidationError

from contract.base import digest
from contract.errors import StorageError
from contract.web_page import WebPage
from flows.files.os_error import os_error_text
from flows.results.kept_file import AlteredFile, from_kept, to_kept
from flows.results.set_aside import SetAside
from flows.results.store import ResultStore, page_address_path


class PagesByAddress:
    """The kept pages of a storage of results."""

    def __init__(self, store: ResultStore) -> None:
        self._store = store

    def get(self, url: str) -> WebPage | None:
        """The page kept for that address; None where there is none, or one that was changed. Raises StorageError."""
        try:
            return self._read(url)
        except (AlteredFile, ValidationError):
            return None

    async def get_or_set_aside(self, url: str, set_aside: SetAside) -> WebPage | None:
        """As `get`; a file that was changed is set aside, which is noted."""
        try:
            return await asyncio.to_thread(self._read, url)
        except (AlteredFile, ValidationError) as error:
            path = page_address_path(digest(url))
            reason = error if isinstance(error, AlteredFile) else "it holds no page"
            await set_aside.move_altered(path, self._store.read(path), reason)
            return None

    async def put(self, url: str, page: WebPage) -> None:
        """Keeps the page. Raises StorageError."""
        key = digest(url)
        try:
            await self._store.awrite_path(page_address_path(key), to_kept(key, page.model_dump_json().encode()))
        except OSError as error:
            raise StorageError(f"a page cannot be kept: {os_error_text(error)}") from error

    def _read(self, url: str) -> WebPage | None:
        key = digest(url)
        try:
            file = self._store.read(page_address_path(key))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StorageError(f"kept pages cannot be read: {error}") from error
        return WebPage.model_validate_json(from_kept(key, file))
