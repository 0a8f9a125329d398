"""robots.txt: what a site lets programs read (RFC 9309)."""

from __future__ import annotations

from urllib.parse import urlsplit
from urllib.robotparser import RobotFileParser

from agents.tools.web.guarded_http import GuardedHttp
from contract.errors import FetchRefused

_AGENT = "buttermilk"
_MAX_CHARACTERS = 500_000
"""RFC 9309 asks for at least 500 KiB; more is not read."""


class Robots:
    """The rules of the sites of one run; each site's file is fetched once."""

    def __init__(self, http: GuardedHttp) -> None:
        self._http = http
        self._rules: dict[str, RobotFileParser] = {}

    async def check(self, url: str) -> None:
        """Raises FetchRefused if the site does not let programs read the page, or its rules cannot be read."""
        parts = urlsplit(url)
        site = f"{parts.scheme}://{parts.netloc}"
        if site not in self._rules:
            self._rules[site] = await self._load(site)
        if not self._rules[site].can_fetch(_AGENT, url):
            raise FetchRefused(f"{site}/robots.txt does not allow programs to read this page")

    async def _load(self, site: str) -> RobotFileParser:
        page = await self._http.get(f"{site}/robots.txt")
        rules = RobotFileParser()
        if page.status >= 500:
            # RFC 9309, 2.3.1.4: a site whose rules cannot be had just now forbids everything.
            raise FetchRefused(f"{site}/robots.txt cannot be read (HTTP {page.status}), so nothing else is")
        text = page.content.decode("utf-8", "replace")[:_MAX_CHARACTERS] if page.status < 400 else ""
        rules.parse(text.splitlines())
        return rules
