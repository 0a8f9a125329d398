"""HTTP for addresses from outside: every hop checked, and size, time and redirects bounded."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import urljoin

import httpx

from agents.tools.web.addresses import Resolver, public_address, resolve
from contract.errors import FetchRefused

_USER_AGENT = "buttermilk/0.1 (research; reads single pages; obeys robots.txt)"
_ENCODINGS = frozenset({"", "identity", "gzip", "deflate"})
"""What may be undone on the way. One each, since each round of unpacking multiplies the size by up to a thousand."""
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_WEB_PORTS = frozenset({80, 443})


@dataclass(frozen=True)
class FetchLimits:
    """The bounds of one fetch."""

    bytes: int = 5_000_000
    """After unpacking."""
    seconds: float = 30.0
    """For all hops together, name resolution included."""
    redirects: int = 5


@dataclass(frozen=True)
class RawPage:
    """What a server sent."""

    final_url: str
    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def media_type(self) -> str:
        """The Content-Type without its parameters, in lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


class GuardedHttp:
    """Fetches what may be fetched. One instance serves a run; use it as an async context manager.

    `local` names hosts with port, as `127.0.0.1:8000`, that may be fetched though they are not public.
    Proxies of the environment are not used: a proxy would resolve names by itself, unchecked.
    """

    def __init__(
        self,
        limits: FetchLimits | None = None,
        *,
        local: frozenset[str] = frozenset(),
        resolver: Resolver = resolve,
    ) -> None:
        self._limits = limits or FetchLimits()
        self._local = local
        self._resolver = resolver
        self._client = httpx.AsyncClient(trust_env=False, follow_redirects=False, timeout=None)  # noqa: S113

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._client.aclose()

    @staticmethod
    def check_form(url: str) -> None:
        """Raises FetchRefused for what is no address of the web, before anything is asked for it."""
        try:
            _checked_url(url)
        except httpx.InvalidURL as error:
            raise FetchRefused(f"'{url[:80]}' is no address of the web: {error}") from error

    async def get(self, url: str) -> RawPage:
        """Returns what the address gives, after redirects.

        Raises FetchRefused for an address that must not be fetched, at whichever hop, and for answers that are too
        large, too slow or broken.
        """
        try:
            async with asyncio.timeout(self._limits.seconds):
                return await self._follow(url)
        except TimeoutError as error:
            raise FetchRefused(f"no whole answer within {self._limits.seconds:g} s") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise FetchRefused(f"the page cannot be read: {error or type(error).__name__}") from error

    async def _follow(self, url: str) -> RawPage:
        for _ in range(self._limits.redirects + 1):
            page = await self._hop(url)
            location = page.headers.get("location")
            if page.status not in _REDIRECTS or not location:
                return page
            following = urljoin(url, location)
            if url.startswith("https:") and not following.startswith("https:"):
                raise FetchRefused("the page leads from https to an address without encryption")
            url = following
        raise FetchRefused(f"more than {self._limits.redirects} redirects")

    async def _hop(self, url: str) -> RawPage:
        target = _checked_url(url)
        port = target.port or (443 if target.scheme == "https" else 80)
        pinned = target
        if f"{target.host}:{port}" not in self._local:
            if port not in _WEB_PORTS:
                raise FetchRefused(f"port {port} is not one of the web (80 and 443)")
            # Connected to by number, so that the name cannot mean another address a moment later.
            pinned = target.copy_with(host=str(await public_address(target.host, port, self._resolver)))
        request = self._client.build_request(
            "GET",
            pinned,
            headers={"Host": target.netloc.decode("ascii"), "User-Agent": _USER_AGENT, "Accept-Encoding": "gzip"},
            extensions={"sni_hostname": target.host},
        )
        response = await self._client.send(request, stream=True)
        try:
            return RawPage(str(target), response.status_code, dict(response.headers), await self._read(response))
        finally:
            await response.aclose()

    async def _read(self, response: httpx.Response) -> bytes:
        encoding = response.headers.get("content-encoding", "").strip().lower()
        if encoding not in _ENCODINGS:
            raise FetchRefused(f"the answer is packed as '{encoding[:40]}', which was not asked for")
        content = bytearray()
        async for chunk in response.aiter_bytes():
            content += chunk
            if len(content) > self._limits.bytes:
                raise FetchRefused(f"larger than {self._limits.bytes:,} bytes")
        return bytes(content)


def _checked_url(url: str) -> httpx.URL:
    target = httpx.URL(url)
    if target.scheme not in {"http", "https"}:
        raise FetchRefused(f"'{url[:80]}' is no address of the web, which begins with http:// or https://")
    if target.userinfo:
        raise FetchRefused("the address holds a user's name or password")
    if not target.host:
        raise FetchRefused("the address names no host")
    return target.copy_with(fragment=None)
