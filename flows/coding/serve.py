"""Serves the pages of a coding until the process is interrupted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import uvicorn
from starlette.routing import Route

from flows.coding.access import Access
from flows.coding.app import make_app
from flows.server.listen import LOOPBACK, listen


@dataclass(frozen=True)
class Address:
    """Where the pages are served."""

    host: str = "127.0.0.1"
    port: int = 0
    """0: the port of the time before, else a free one."""
    names: tuple[str, ...] = ()
    """Further names by which coders reach this machine."""

    @property
    def is_local(self) -> bool:
        """Whether only this machine reaches it."""
        return self.host in LOOPBACK


def serve(
    routes: Sequence[Route],
    access: Access,
    address: Address,
    on_ready: Callable[[Mapping[str, str]], None],
    prefix: str = "c",
) -> None:
    """Serves until Ctrl-C. `on_ready` receives person -> link. Raises RunError where the port is taken."""
    bound = listen(address.host, address.port or access.port)
    port = int(bound.getsockname()[1])
    access.write(port)
    named = address.names[0] if address.names else "127.0.0.1" if address.is_local else address.host
    shown = f"[{named}]" if ":" in named else named
    hosts = (address.host, *address.names)
    app = make_app(routes, port, hosts)
    config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=3, ws="none")

    async def run() -> None:
        server = uvicorn.Server(config)
        on_ready({name: f"http://{shown}:{port}/{prefix}/{token}" for name, token in access.tokens.items()})
        await server.serve(sockets=[bound])

    with suppress(KeyboardInterrupt):
        asyncio.run(run())
