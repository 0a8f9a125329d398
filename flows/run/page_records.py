"""Puts pages of the web in the place of records that are their addresses, before any cell runs."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from pydantic import ValidationError

from contract.errors import FetchRefused, StorageError
from contract.record import Record
from contract.web_page import WebPage
from flows.engine.gather import gather_or_raise
from flows.engine.records import fetches_pages
from flows.results.open import result_store
from flows.results.page_records import PagesByAddress
from flows.results.set_aside import SetAside
from flows.run.web_pages import KeptPages, open_pages
from flows.spec.study import Study
from flows.storage.page_records import address_of, record_of_page
from flows.storage.rows import Reject

_AT_ONCE = 4
"""Pages at the same time; of one site, one after the other."""


async def with_pages(
    study: Study, records: Sequence[Record], on_reject: Callable[[Reject], None], on_note: Callable[[str], None]
) -> tuple[list[Record], list[WebPage]]:
    """The records in their order, each that is an address with its page's text, and the pages.

    An address without a page goes to `on_reject` with the reason. Raises StorageError when the study has no record
    left.
    """
    if not fetches_pages(study):
        return list(records), []
    store = result_store(study.run.results)
    set_aside = SetAside(store, on_note)
    async with open_pages(store) as web:
        fetcher = _Fetcher(study.flow.records, PagesByAddress(store), web, set_aside)
        found = await gather_or_raise(fetcher.replace(record) for record in records)
    set_aside.note_total()
    rejects = [one for one in found if isinstance(one, Reject)]
    for reject in rejects:
        on_reject(reject)
    kept = [one for one in found if isinstance(one, Record)]
    if not kept and study.run.shard is None:
        raise StorageError(f"{study.flow.records}: no page could be read; the first: {rejects[0].reason}")
    return kept, sorted(fetcher.pages.values(), key=lambda page: page.url)


class _Fetcher:
    def __init__(self, source: str, kept: PagesByAddress, web: KeptPages, set_aside: SetAside) -> None:
        self._source, self._kept, self._web, self._set_aside = source, kept, web, set_aside
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._sites = defaultdict[str, asyncio.Lock](asyncio.Lock)
        self.pages = dict[str, WebPage]()

    async def replace(self, record: Record) -> Record | Reject:
        """The record, or that of its page; a Reject where there is no page."""
        url = address_of(record)
        if url is None:
            return record
        try:
            return record_of_page(record, await self._page(url))
        except FetchRefused as error:
            reason = str(error)
        except ValidationError:
            reason = "it holds what is no text"
        return Reject(0, f"the record '{record.record_id}': {url} was not read: {reason}", url, self._source)

    async def _page(self, url: str) -> WebPage:
        async with self._sites[urlsplit(url).netloc], self._slots:
            if url not in self.pages:
                page = await self._kept.get_or_set_aside(url, self._set_aside)
                if page is None:
                    page = await self._web.page(url)
                    await self._kept.put(url, page)
                self.pages[url] = page
            return self.pages[url]
