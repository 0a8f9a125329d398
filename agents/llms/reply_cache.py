"""A cache of replies: no reply is ever paid for twice.

    model = CachedReplies(Limited(hosted, limits), store)
    reply = await model.complete(request)     # reply.from_cache is False if this call paid for it

A reply is stored before it is returned, so it is found again after a run is killed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from agents.llms.model import Model, ModelWrapper
from contract.calls import ModelReply, ModelRequest


class ReplyStore(Protocol):
    """Where paid replies are kept, by `ModelRequest.cache_key`."""

    async def get(self, key: str) -> ModelReply | None:
        """The reply kept under `key`, or None."""
        ...

    async def put(self, key: str, reply: ModelReply) -> None:
        """Keeps `reply`. When this returns, the reply outlives the process."""
        ...

    def exclusive(self, key: str) -> AbstractAsyncContextManager[bool]:
        """Prevents other processes from sending the same request while the block runs.

        Yields True when one of them may have kept the reply since the last lookup.
        """
        ...


class InMemoryReplyStore:
    """A store in memory, for tests and single calls: everything is lost when the process ends."""

    def __init__(self) -> None:
        self._replies: dict[str, str] = {}

    async def get(self, key: str) -> ModelReply | None:
        """The reply kept under `key`, or None."""
        kept = self._replies.get(key)
        return None if kept is None else ModelReply.model_validate_json(kept)

    async def put(self, key: str, reply: ModelReply) -> None:
        """Keeps `reply` until the process ends."""
        self._replies[key] = reply.model_dump_json()

    @asynccontextmanager
    async def exclusive(self, key: str) -> AsyncGenerator[bool]:  # noqa: ARG002
        """Yields False: no other process uses this store."""
        yield False


@dataclass
class _InFlightCall:
    task: asyncio.Task[ModelReply]
    waiters: int = 0


class CachedReplies(ModelWrapper):
    """Looks up a request before it is sent, and keeps the reply before it is returned.

    Equal requests at the same time become one call; all replies but the first have `from_cache` set. Refused and
    cut replies are kept too, because they were paid for. Errors are not kept. Belongs to one event loop.
    """

    def __init__(self, inner: Model, store: ReplyStore) -> None:
        super().__init__(inner)
        self._store = store
        self._in_flight: dict[str, _InFlightCall] = {}

    async def complete(self, request: ModelRequest) -> ModelReply:
        """Returns a kept or a paid reply. Raises what the wrapped model raises, and StorageError from the store."""
        key = request.cache_key(reads_material=self.reads_material)
        call = self._in_flight.get(key)
        is_first = call is None
        if call is None:
            call = self._in_flight[key] = _InFlightCall(asyncio.create_task(self._fetch(key, request)))
            call.task.add_done_callback(lambda _: self._remove(key, call))
        reply = await self._wait(call)
        return reply if is_first else reply.model_copy(update={"from_cache": True})

    async def _fetch(self, key: str, request: ModelRequest) -> ModelReply:
        kept = await self._store.get(key)
        if kept is None:
            async with self._store.exclusive(key) as may_be_kept_now:
                kept = await self._store.get(key) if may_be_kept_now else None
                if kept is None:
                    reply = await self._inner.complete(request)
                    await self._store.put(key, reply)
                    return reply
        return kept.model_copy(update={"from_cache": True})

    async def _wait(self, call: _InFlightCall) -> ModelReply:
        # Shielded: when one cell is cancelled, the others still get the reply that they wait for.
        call.waiters += 1
        try:
            return await asyncio.shield(call.task)
        finally:
            call.waiters -= 1
            if not call.waiters:
                call.task.cancel()

    def _remove(self, key: str, call: _InFlightCall) -> None:
        if self._in_flight.get(key) is call:
            del self._in_flight[key]
