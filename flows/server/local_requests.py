"""LocalRequests: lets only this machine's own programs and its own page reach a server that stays.

Any page of the web that is open in a browser can send requests to this machine. Prefect lets every origin read the
answers; a server that runs for hours without its user's thinking of it does not.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from flows.server.listen import LOOPBACK

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

IDENTITY_HEADER = "x-buttermilk-server"
"""Names the server that stays, so that no command takes one of another version or with other data for its own."""
_NO_USE = ("/api/health", "/api/admin/version")
"""Asked by whoever looks whether there is a server."""


class LocalRequests:
    """An ASGI application around Prefect's."""

    def __init__(self, identity: str, port: int) -> None:
        self.app: Any = None
        """Prefect's application."""
        self._identity = identity.encode()
        self._port = port
        self.last_use = time.monotonic()
        """When the last request came."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request, or refuses it."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        if not self._is_local(dict(scope["headers"])):
            await _refuse(scope, receive, send)
            return
        if scope["path"] not in _NO_USE:
            self.last_use = time.monotonic()

        async def send_with_identity(message: Message) -> None:
            if message["type"] == "http.response.start":
                named = (IDENTITY_HEADER.encode(), self._identity)
                message = {**message, "headers": [*message.get("headers", ()), named]}
            await send(message)

        await self.app(scope, receive, send_with_identity)

    def _is_local(self, headers: dict[bytes, bytes]) -> bool:
        host = _host(f"//{headers.get(b'host', b'').decode('latin-1')}")
        origin = headers.get(b"origin")
        return host in LOOPBACK and (origin is None or self._is_own_page(origin.decode("latin-1")))

    def _is_own_page(self, origin: str) -> bool:
        try:
            return _host(origin) in LOOPBACK and urlsplit(origin).port == self._port
        except ValueError:
            return False


def _host(address: str) -> str | None:
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008})
        return
    await send({"type": "http.response.start", "status": 403, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"only from this machine's own programs and pages\n"})
