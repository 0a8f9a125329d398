"""Pages of the web for tools: fetched within bounds, and kept as they were sent, by their digest."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from contract.errors import StorageError
from contract.web_page import WebPage
from flows.results.store import ResultStore, page_path

if TYPE_CHECKING:
    from agents.tools.web.fetch import WebPages
    from agents.tools.web.guarded_http import GuardedHttp


class KeptPages:
    """The `PageFetcher` of a run. Nothing is imported or connected to before the first page."""

    def __init__(self, store: ResultStore, stack: AsyncExitStack, http: GuardedHttp | None = None) -> None:
        self._store, self._stack, self._http = store, stack, http
        self._pages: WebPages | None = None

    async def page(self, url: str) -> WebPage:
        """The page; the bytes that it was made from are kept under `sha256`. Raises FetchRefused and StorageError."""
        page, raw = await (await self._open()).fetch(url)
        try:
            await self._store.awrite_path(page_path(page.sha256), raw.content)
        except OSError as error:
            raise StorageError(f"a page cannot be kept: {error}") from error
        return page

    async def _open(self) -> WebPages:
        if self._pages is None:
            from agents.tools.web.fetch import WebPages
            from agents.tools.web.guarded_http import GuardedHttp

            http = self._http or GuardedHttp()
            self._pages = WebPages(http)
            await self._stack.enter_async_context(http)
        return self._pages


@asynccontextmanager
async def open_pages(store: ResultStore) -> AsyncGenerator[KeptPages]:
    """The web, for the length of the block."""
    async with AsyncExitStack() as stack:
        yield KeptPages(store, stack)
