"""Locks: of all processes that share a result storage, only one at a time asks a model for the same reply.

A lock is a file that only one process can create; it holds the name of its run. A process that finds a lock waits while
that run writes heartbeats. The lock of a run without heartbeats, or of an earlier attempt of the same run, is not
removed, because two processes could do that at once. Instead the lock with the next number is created, again by one
process only.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from uuid import uuid4

from flows.results.heartbeat import HeartbeatMonitor
from flows.results.store import ResultStore

_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 1.0


class Locks:
    """The locks that the run `owner` takes; it must write heartbeats meanwhile. Belongs to one event loop."""

    def __init__(self, store: ResultStore, owner: str, lost_after_seconds: float) -> None:
        self._store = store
        self._owner = owner
        # A run that was killed and is tried again keeps its name; by the name alone it would wait for itself.
        self._attempt = uuid4().hex
        self._lost_after_seconds = lost_after_seconds
        self._heartbeats = HeartbeatMonitor(store)

    @asynccontextmanager
    async def exclusive(self, key: str) -> AsyncGenerator[None]:
        """Holds the lock of `key`. Waits at most `lost_after_seconds` for a run without heartbeats."""
        number = await self._acquire(key)
        try:
            yield
        finally:
            # Its own lock last: as long as that file is there, no other process can take the lock.
            for taken in range(number + 1):
                await self._store.aremove(lock_path(key, taken))

    async def _acquire(self, key: str) -> int:
        # Differs from other locks of this run, which may have two names for one model.
        mine = f"{self._owner} {self._attempt} {uuid4().hex}".encode()
        pause = _FIRST_PAUSE
        while True:
            number = 0
            while not await self._store.acreate(lock_path(key, number), mine):
                if not await self._is_lost(lock_path(key, number)):
                    break
                number += 1
            else:
                return number
            # Storages do not report when a file is removed, so they are asked again and again.
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE)

    async def _is_lost(self, path: str) -> bool:
        try:
            holder = await self._store.aread_path(path)
        except FileNotFoundError:
            return False
        owner, _, rest = holder.decode().partition(" ")
        if owner == self._owner and not rest.startswith(self._attempt):
            return True
        return await self._heartbeats.seconds_since_beat(owner or path) > self._lost_after_seconds


def lock_path(key: str, number: int) -> str:
    """Where the lock of that request is; number 0 is the first, higher ones follow lost locks."""
    return f"locks/{key[:1]}/{key}.{number}"
