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
from agents.llms.work_time import SharedWork, not_counted
from contract.calls import ModelReply, ModelRequest, ModelSettings
from contract.models import HostedModel, ModelConfig


class ReplyStore(Protocol):
    """Where paid replies are kept, by `ModelRequest.cache_key`."""

    async def get(self, key: str) -> ModelReply | None:
        """The whole reply kept under `key`, or None."""
        ...

    async def put(self, key: str, reply: ModelReply) -> None:
        """Keeps `reply`; a cut one not to be got again. When this returns, the reply outlives the process."""
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
        """Keeps a whole reply until the process ends."""
        if reply.finish_reason != "length":
            self._replies[key] = reply.model_dump_json()

    @asynccontextmanager
    async def exclusive(self, key: str) -> AsyncGenerator[bool]:  # noqa: ARG002
        """Yields False: no other process uses this store."""
        yield False


@dataclass(frozen=True)
class _Question:
    key: str
    max_tokens: int


@dataclass
class _InFlightCall:
    work: SharedWork
    task: asyncio.Task[ModelReply]
    waiters: int = 0


class CachedReplies(ModelWrapper):
    """Looks up a request before it is sent, and keeps the reply before it is returned.

    Equal requests at the same time become one call; all replies but the first have `from_cache` set. Refused and
    cut replies are kept too, because they were paid for; a cut one answers only this instance, and only requests with
    the same token limit. Errors are not kept. Belongs to one event loop.
    """

    def __init__(self, inner: Model, store: ReplyStore, config: ModelConfig | None = None) -> None:
        super().__init__(inner)
        self._store = store
        self._config = config
        self._in_flight: dict[_Question, _InFlightCall] = {}
        self._cut: dict[_Question, ModelReply] = {}

    async def complete(self, request: ModelRequest) -> ModelReply:
        """Returns a kept or a paid reply. Raises what the wrapped model raises, and StorageError from the store."""
        question = self._question(request)
        call = self._in_flight.get(question)
        is_first = call is None
        if call is None:
            work = SharedWork()
            task = asyncio.create_task(self._fetch(question, request, work))
            call = self._in_flight[question] = _InFlightCall(work, task)
            call.task.add_done_callback(lambda _: self._remove(question, call))
        reply = await self._wait(call)
        return reply if is_first else reply.model_copy(update={"from_cache": True})

    async def kept(self, request: ModelRequest) -> ModelReply | None:
        """The reply that `complete` would return without a call, or None."""
        return await self._get(self._question(request), request)

    def _question(self, request: ModelRequest) -> _Question:
        defaults = self._config.settings if self._config else ModelSettings()
        limit = request.settings.with_defaults(defaults).max_tokens
        return _Question(request.cache_key(reads_material=self.reads_material), limit)

    async def _fetch(self, question: _Question, request: ModelRequest, work: SharedWork) -> ModelReply:
        with work.counted_as_own():
            kept = await self._get(question, request)
            if kept is None:
                async with self._exclusive(question.key) as may_be_kept_now:
                    kept = await self._get(question, request) if may_be_kept_now else None
                    if kept is None:
                        return await self._pay(question, request)
            return kept.model_copy(update={"from_cache": True})

    @asynccontextmanager
    async def _exclusive(self, key: str) -> AsyncGenerator[bool]:
        lock = self._store.exclusive(key)
        with not_counted():
            may_be_kept_now = await lock.__aenter__()
        try:
            yield may_be_kept_now
        finally:
            await lock.__aexit__(None, None, None)

    async def _pay(self, question: _Question, request: ModelRequest) -> ModelReply:
        reply = await self._inner.complete(request)
        await self._store.put(question.key, reply)
        if reply.finish_reason == "length":
            self._cut[question] = reply
        return reply

    async def _get(self, question: _Question, request: ModelRequest) -> ModelReply | None:
        if cut := self._cut.get(question):
            return cut
        return await self._store.get(question.key) or await self._get_earlier(question.key, request)

    async def _get_earlier(self, key: str, request: ModelRequest) -> ModelReply | None:
        """A reply that version 0.1 kept under another key; it is then kept under this one too."""
        if not isinstance(self._config, HostedModel):
            return None
        earlier = request.model_copy(update={"model_fingerprint": self._config.earlier_fingerprint})
        earlier_key = earlier.earlier_cache_key(reads_material=self.reads_material)
        kept = await self._store.get(earlier_key) if earlier_key != key else None
        if kept:
            await self._store.put(key, kept)
        return kept

    async def _wait(self, call: _InFlightCall) -> ModelReply:
        # Shielded: when one cell is cancelled, the others still get the reply that they wait for.
        call.waiters += 1
        try:
            with call.work.shared():
                return await asyncio.shield(call.task)
        finally:
            call.waiters -= 1
            if not call.waiters:
                call.task.cancel()

    def _remove(self, question: _Question, call: _InFlightCall) -> None:
        if self._in_flight.get(question) is call:
            del self._in_flight[question]
