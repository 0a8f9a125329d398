"""Guard: lets only this server's own pages reach it, and tells browsers to load nothing else.

Any page of the web that is open in a browser can send requests to this machine, and a name of its own may lead here
(DNS rebinding). So the Host must be one of ours, and a form must come from our own page.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from flows.server.listen import LOOPBACK

_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    # The address holds the secret of the link, so no other page may learn it. Not `no-referrer`, with which browsers
    # send forms without their origin.
    (b"referrer-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)


class Guard:
    """An ASGI application around that of the pages."""

    def __init__(self, app: ASGIApp, port: int, hosts: Sequence[str] = ()) -> None:
        """`hosts` are further names by which coders reach the server."""
        self._app = app
        self._port = port
        self._hosts = frozenset(name.lower() for name in (*LOOPBACK, *hosts))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves a request, or refuses it before anything of it is read."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *_HEADERS]}
            await send(message)

        refusal = self._refusal(scope)
        await (refusal or self._app)(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope) -> PlainTextResponse | None:
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        if not self._is_ours(f"//{headers.get(b'host', '')}"):
            return PlainTextResponse("this server has no such name\n", 400)
        origin, site = headers.get(b"origin"), headers.get(b"sec-fetch-site", "none")
        if (origin is not None and not self._is_ours(origin)) or (
            scope["method"] not in ("GET", "HEAD") and site not in ("same-origin", "none")
        ):
            return PlainTextResponse("only from this server's own pages\n", 403)
        return None

    def _is_ours(self, address: str) -> bool:
        try:
            parts = urlsplit(address)
            return parts.hostname in self._hosts and (parts.port or 80) == self._port and parts.scheme in ("", "http")
        except ValueError:
            return False
