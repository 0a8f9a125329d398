"""Requests and tokens per minute that all processes share which reach one folder, such as the result storage.

    window = SharedWindowLimiter(folder / "requests-3f2a.json", limit=600, clock=Clock())
    await window.acquire(1)

Each limit has a small file: how much was admitted that is sent by each second at the latest, under a lock of the
operating system, which ends with its process however that ends. A second counts until it lies wholly outside the
minute, so the limit is kept a little more strictly than it says. Machines that share the folder need clocks that agree
to a second.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
from collections.abc import Generator
from contextlib import contextmanager
from math import ceil
from pathlib import Path
from typing import cast

from agents.llms.rate_limits import (
    COUNTED_SECONDS,
    LONGEST_SENDING_SECONDS,
    SENDING_SECONDS,
    Clock,
    WindowEntry,
    time_sent,
)

_MAX_BYTES = 100_000
"""A larger file is not one of ours."""


class SharedWindowLimiter:
    """Admits at most `limit` units in any 60 seconds, together with all others of that file.

    An amount above the limit is admitted alone, because it could otherwise never be admitted. `clock.now` gives the
    seconds of a clock that all share.
    """

    def __init__(self, path: Path, limit: int, clock: Clock) -> None:
        self._path = path
        self._limit = limit
        self._clock = clock
        self._turn = asyncio.Lock()

    async def acquire(self, amount: int, seconds: float = SENDING_SECONDS) -> WindowEntry:
        """Waits until `amount` fits, and records it as sent within so many seconds."""
        # Of this process one waits, so that its requests are admitted in their order.
        async with self._turn:
            while not isinstance(found := self._try_acquire(amount, seconds), WindowEntry):
                await self._clock.sleep(found)
            return found

    async def renew(self, entry: WindowEntry, seconds: float) -> WindowEntry:
        """Gives what was admitted a turn that begins now. Waits only where the former was a minute ago."""
        with self._open() as admitted:
            now, second = self._clock.now(), int(entry.time)
            if now - second < COUNTED_SECONDS and admitted.get(second, 0) >= entry.amount:
                _move(admitted, entry, WindowEntry(now + seconds, entry.amount))
                return entry
        return await self.acquire(entry.amount, seconds)

    def seconds_left(self, entry: WindowEntry) -> float:
        """How long its turn still lasts."""
        return entry.time - self._clock.now()

    def settle(self, entry: WindowEntry, amount: int, seconds_ago: float) -> None:
        """Corrects what was recorded, once it is known how much was sent, and how long ago."""
        sent = time_sent(entry, self._clock.now(), seconds_ago)
        with self._open() as admitted:
            _move(admitted, entry, WindowEntry(sent, amount))

    def _try_acquire(self, amount: int, seconds: float) -> WindowEntry | float:
        """Records the amount if it fits; otherwise returns how many seconds to wait before the next try."""
        with self._open() as admitted:
            now = self._clock.now()
            latest = now + LONGEST_SENDING_SECONDS
            for second in [one for one in admitted if not now - COUNTED_SECONDS - 1 < one <= latest]:
                del admitted[second]
            if admitted and sum(admitted.values()) + amount > self._limit:
                return max(min(admitted) + COUNTED_SECONDS + 1 - now, 0.01)
            entry = WindowEntry(now + seconds, ceil(amount))
            admitted[int(entry.time)] = admitted.get(int(entry.time), 0) + entry.amount
            return entry

    @contextmanager
    def _open(self) -> Generator[dict[int, int]]:
        """What was admitted in each second; written back when the block ends. No other process has it meanwhile."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        # Held for some tenths of a millisecond only.
        with os.fdopen(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            seconds = _parse(file.read(_MAX_BYTES))
            try:
                yield seconds
            finally:
                file.seek(0)
                file.write(json.dumps(seconds).encode())
                file.truncate()
                file.flush()


def _move(admitted: dict[int, int], entry: WindowEntry, to: WindowEntry) -> None:
    """Counts `to` in the place of the entry, which becomes equal to it."""
    admitted[int(entry.time)] = max(0, admitted.get(int(entry.time), 0) - entry.amount)
    admitted[int(to.time)] = admitted.get(int(to.time), 0) + to.amount
    for second in [one for one, units in admitted.items() if not units]:
        del admitted[second]
    entry.time, entry.amount = to.time, to.amount


def _parse(content: bytes) -> dict[int, int]:
    """What the file holds; nothing where it was torn by a kill, which at worst admits one more minute's worth."""
    try:
        found = json.loads(content or b"{}")
        return {int(second): int(amount) for second, amount in cast("dict[str, int]", found).items()}
    except (ValueError, TypeError, AttributeError):
        return {}
