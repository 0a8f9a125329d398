"""The transport over HTTP: a token for everybody, and Host and Origin checked, so that no page of the web gets in."""

from __future__ import annotations

import hmac
import json
import socket
from collections.abc import Sequence
from typing import Any

import uvicorn
from mcp.server.transport_security import TransportSecuritySettings
from starlette.types import ASGIApp, Receive, Scope, Send

from flows.mcp.catalogue import Catalogue
from flows.mcp.server import make_server
from flows.server.listen import LOOPBACK

PATH = "/mcp"


class BearerToken:
    """Lets only requests with the token through, before anything of them is parsed."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._token = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers 401 without the token. The answer is the same for a missing and a wrong one."""
        if scope["type"] == "http" and not self._is_allowed(scope):
            await _refuse(send)
        elif scope["type"] in ("http", "lifespan"):
            await self._app(scope, receive, send)

    def _is_allowed(self, scope: Scope) -> bool:
        given = [value for name, value in scope["headers"] if name.lower() == b"authorization"]
        scheme, _, token = given[0].partition(b" ") if len(given) == 1 else (b"", b"", b"")
        return scheme.lower() == b"bearer" and hmac.compare_digest(token.strip(), self._token)


async def _refuse(send: Send) -> None:
    body = json.dumps({"error": "a token is needed: Authorization: Bearer <token>"}).encode()
    headers = [(b"content-type", b"application/json"), (b"www-authenticate", b"Bearer")]
    await send({"type": "http.response.start", "status": 401, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def make_app(catalogue: Catalogue, token: str, hosts: Sequence[str] = ()) -> ASGIApp:
    """Returns the ASGI app. `hosts` are further names by which clients may reach it."""
    names = [f"[{name}]" if ":" in name else name for name in dict.fromkeys([*LOOPBACK, *hosts])]
    allowed = [form for name in names for form in (name, f"{name}:*")]
    security = TransportSecuritySettings(
        enable_dns_rebinding_protection=True,
        allowed_hosts=allowed,
        allowed_origins=[f"{scheme}://{name}" for scheme in ("http", "https") for name in allowed],
    )
    app: Any = make_server(catalogue).streamable_http_app(streamable_http_path=PATH, transport_security=security)
    return BearerToken(app, token)


async def serve_http(catalogue: Catalogue, bound: socket.socket, token: str, hosts: Sequence[str]) -> None:
    """Serves clients until the process is interrupted."""
    app: Any = make_app(catalogue, token, hosts)
    config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=3, ws="none")
    catalogue.begin_reading()
    await uvicorn.Server(config).serve(sockets=[bound])
