"""Kept replies: no reply is ever paid for twice.

    model = KeptReplies(Limited(hosted, limits), store)
    reply = await model.complete(request)     # reply.from_cache tells whether this call paid for it

A reply is written down before it is handed over, so a run that is killed afterwards finds it again.
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
    """Where paid replies are kept, by `ModelRequest.key`."""

    async def get(self, key: str) -> ModelReply | None:
        """The reply kept under `key`, or None."""
        ...

    async def put(self, key: str, reply: ModelReply) -> None:
        """Keeps `reply`; when this returns, it outlives the process."""
        ...

    def exclusive(self, key: str) -> AbstractAsyncContextManager[bool]:
        """Keeps other processes from asking the same for the length of the block.

        Gives True when one of them may have kept the reply since it was looked up.
        """
        ...


class InMemoryReplyStore:
    """For tests and one-off calls: forgets everything when the process ends."""

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
        """No other process can meet this one here."""
        yield False


@dataclass
class _InFlightCall:
    task: asyncio.Task[ModelReply]
    waiters: int = 0


class CachedReplies(ModelWrapper):
    """Looks a request up before asking, and keeps the reply before returning it.

    Equal requests under way at the same time become one call; all but the first get `from_cache`. Refused and
    cut replies are kept too, since they were paid for; errors are not. Belongs to one event loop.
    """

    def __init__(self, inner: Model, store: ReplyStore) -> None:
        super().__init__(inner)
        self._store = store
        self._in_flight: dict[str, _InFlightCall] = {}

    async def complete(self, request: ModelRequest) -> ModelReply:
        """One reply, kept or paid. Raises what the model inside raises, and StorageError from the store."""
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
            async with self._store.exclusive(key) as look_again:
                kept = await self._store.get(key) if look_again else None
                if kept is None:
                    reply = await self._inner.complete(request)
                    await self._store.put(key, reply)
                    return reply
        return kept.model_copy(update={"from_cache": True})

    async def _wait(self, call: _InFlightCall) -> ModelReply:
        # Shielded: one cell that is cancelled must not take the reply from the others that wait for it.
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
