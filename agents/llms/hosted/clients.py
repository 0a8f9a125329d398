"""HTTP clients shared by the models of a run: one per provider, each over several connection pools."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx2

_CONNECT_SECONDS = 10.0
_MAX_CONNECTIONS = 500
_POOLS = 16


class HttpClients:
    """Opens a client at the first use of a provider, and closes all of them. Belongs to one event loop."""

    def __init__(self) -> None:
        self._clients: dict[str, httpx2.AsyncClient] = {}

    def get(self, provider: str) -> httpx2.AsyncClient:
        """The client for `provider`. It has no time limit; the caller sets one for each call."""
        if provider not in self._clients:
            self._clients[provider] = _client()
        return self._clients[provider]

    async def aclose(self) -> None:
        """Closes every connection."""
        clients, self._clients = self._clients, {}
        for client in clients.values():
            await client.aclose()


def _client() -> httpx2.AsyncClient:
    import httpx2

    from agents.llms.hosted.sent_settings import record_request
    from agents.llms.sending import check_turn

    class Pools(httpx2.AsyncBaseTransport):
        """Several pools, because a pool visits all its connections at each request. The least busy pool is used."""

        def __init__(self) -> None:
            limits = httpx2.Limits(max_connections=_MAX_CONNECTIONS // _POOLS, max_keepalive_connections=8)
            context = httpx2.create_ssl_context()
            self._pools = [httpx2.AsyncHTTPTransport(limits=limits, verify=context) for _ in range(_POOLS)]
            self._busy = [0] * _POOLS

        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            request.extensions = {**request.extensions, "trace": check_turn}
            pool = self._busy.index(min(self._busy))
            self._busy[pool] += 1
            try:
                return await self._pools[pool].handle_async_request(request)
            finally:
                self._busy[pool] -= 1

        async def aclose(self) -> None:
            for pool in self._pools:
                await pool.aclose()

    return httpx2.AsyncClient(
        transport=Pools(),
        timeout=httpx2.Timeout(None, connect=_CONNECT_SECONDS),
        event_hooks={"request": [record_request]},
    )
