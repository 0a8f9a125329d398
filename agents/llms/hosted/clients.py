"""HTTP clients shared by the models of a run: one connection pool per provider."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx2

_CONNECT_SECONDS = 10.0
_MOST_CONNECTIONS = 500


class HttpClients:
    """Opens a client when a provider is first used, and closes them all. Belongs to one event loop."""

    def __init__(self) -> None:
        self._clients: dict[str, httpx2.AsyncClient] = {}

    def get(self, provider: str) -> httpx2.AsyncClient:
        """The client for `provider`; the time limit of each call is the caller's to set."""
        import httpx2

        if provider not in self._clients:
            self._clients[provider] = httpx2.AsyncClient(
                timeout=httpx2.Timeout(None, connect=_CONNECT_SECONDS),
                limits=httpx2.Limits(max_connections=_MOST_CONNECTIONS, max_keepalive_connections=100),
            )
        return self._clients[provider]

    async def aclose(self) -> None:
        """Closes every connection."""
        clients, self._clients = self._clients, {}
        for client in clients.values():
            await client.aclose()
