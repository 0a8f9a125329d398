"""Fetches one page of the web as a `WebPage`."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import UTC, datetime

from agents.tools.web.guarded_http import GuardedHttp, RawPage
from agents.tools.web.page_text import page_text
from agents.tools.web.robots import Robots
from contract.errors import FetchRefused
from contract.web_page import WebPage


class WebPages:
    """Fetches pages over one guarded client, and obeys the rules of their sites."""

    def __init__(self, http: GuardedHttp) -> None:
        self._http = http
        self._robots = Robots(http)

    async def fetch(self, url: str) -> tuple[WebPage, RawPage]:
        """Returns the page and the bytes that it was made from.

        Raises FetchRefused, with the reason in words, for what must not or cannot be fetched.
        """
        self._http.check_form(url)
        await self._robots.check(url)
        raw = await self._http.get(url)
        if raw.status >= 400:
            raise FetchRefused(f"the site answers with HTTP {raw.status}")
        if raw.final_url != url:
            await self._robots.check(raw.final_url)
        return await asyncio.to_thread(read_page, url, raw, datetime.now(UTC)), raw


def read_page(url: str, raw: RawPage, fetched: datetime) -> WebPage:
    """Returns the page in what a server sent. Raises FetchRefused if there is no text in it."""
    found = page_text(raw)
    return WebPage(
        url=url,
        final_url=raw.final_url,
        title=found.title,
        author=found.author,
        published=found.published,
        text=found.text,
        sha256=hashlib.sha256(raw.content).hexdigest(),
        fetched=fetched,
        encoding=found.encoding,
    )
