"""Locks: of all processes that share a result storage, only one at a time asks a model for the same reply.

A lock is a file that only one process can create; it names its run and the attempt of it. A process that finds a lock
waits while that attempt lives. On the same machine the attempt's file shows whether it does (`process_file`); elsewhere
the run's heartbeats do. A lost lock, or one of an earlier attempt of the same run, is not removed, because two
processes could do that at once. Instead the lock with the next number is created, again by one process only.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from flows.results.heartbeat import HeartbeatMonitor
from flows.results.process_file import is_process_alive
from flows.results.store import ResultStore

_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 1.0


@dataclass(frozen=True)
class Attempt:
    """An attempt of a run, which holds its file `attempt_path` as long as it lives."""

    name: str
    place: str
    """`place_of` the folder of that file."""


def attempt_path(store: ResultStore, name: str) -> Path:
    """The file that the attempt of that name holds."""
    return store.journal_folder / f"{name}.txt"


class Locks:
    """The locks that the run `owner` takes; it must write heartbeats meanwhile. Belongs to one event loop."""

    def __init__(
        self, store: ResultStore, owner: str, lost_after_seconds: float, attempt: Attempt | None = None
    ) -> None:
        """Without an `attempt`, only heartbeats show other processes that this one lives."""
        self._store = store
        self._owner = owner
        # A run that was killed and is tried again keeps its name; by the name alone it would wait for itself.
        self._attempt = attempt.name if attempt else uuid4().hex
        self._place = attempt.place if attempt else self._attempt
        self._lost_after_seconds = lost_after_seconds
        self._heartbeats = HeartbeatMonitor(store)

    @asynccontextmanager
    async def exclusive(self, key: str) -> AsyncGenerator[None]:
        """Holds the lock of `key`. Waits at most `lost_after_seconds` for a run without heartbeats."""
        pause = _FIRST_PAUSE
        while (number := await self._try_to_acquire(key)) is None:
            # Storages do not report when a file is removed, so they are asked again and again.
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE)
        try:
            yield
        finally:
            await self._release(key, number)

    async def remove_lost(self, keys: Iterable[str]) -> None:
        """Removes the locks of those keys whose processes have ended."""
        for key in keys:
            if (number := await self._try_to_acquire(key)) is not None:
                await self._release(key, number)

    async def _try_to_acquire(self, key: str) -> int | None:
        """The number of the lock that is now held, or None while a process that may live holds the lock."""
        # Differs from other locks of this run, which may have two names for one model.
        mine = f"{self._owner} {self._attempt} {self._place} {uuid4().hex}".encode()
        number = 0
        while not await self._store.acreate(lock_path(key, number), mine):
            if not await self._is_lost(lock_path(key, number)):
                return None
            number += 1
        return number

    async def _release(self, key: str, number: int) -> None:
        # Its own lock last: as long as that file is there, no other process can take the lock.
        for taken in range(number + 1):
            await self._store.aremove(lock_path(key, taken))

    async def _is_lost(self, path: str) -> bool:
        try:
            holder = await self._store.aread_path(path)
        except FileNotFoundError:
            return False
        owner, attempt, place = [*holder.decode(errors="replace").split(" "), "", ""][:3]
        if attempt == self._attempt:
            return False
        if owner == self._owner:
            return True
        if place == self._place:
            return not is_process_alive(attempt_path(self._store, attempt))
        return await self._heartbeats.seconds_since_beat(owner or path) > self._lost_after_seconds


def lock_path(key: str, number: int) -> str:
    """Where the lock of that request is; number 0 is the first, higher ones follow lost locks."""
    return f"locks/{key[:1]}/{key}.{number}"
