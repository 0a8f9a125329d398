"""Requests and tokens per minute that all processes share which reach one folder, such as the result storage.

    window = SharedWindowLimiter(folder / "requests-3f2a.json", limit=600, clock=Clock())
    await window.acquire(1)

Each limit has a small file: how much was admitted in each second of the last minute, under a lock of the operating
system, which ends with its process however that ends. A second counts until it lies wholly outside the minute, so the
limit is kept a little more strictly than it says. Machines that share the folder need clocks that agree to a second.
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

from agents.llms.rate_limits import MINUTE, Clock, WindowEntry, time_sent

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

    async def acquire(self, amount: int) -> WindowEntry:
        """Waits until `amount` fits, and records it."""
        # Of this process one waits, so that its requests are admitted in their order.
        async with self._turn:
            while (wait := self._try_acquire(amount)) > 0:
                await self._clock.sleep(wait)
            return WindowEntry(self._clock.now(), amount)

    def settle(self, entry: WindowEntry, amount: int, seconds_ago: float) -> None:
        """Corrects what was recorded, once it is known how much was sent, and how long ago."""
        sent = time_sent(entry, self._clock.now(), seconds_ago)
        with self._open() as seconds:
            admitted = int(entry.time)
            seconds[admitted] = max(0, seconds.get(admitted, 0) - entry.amount)
            seconds[int(sent)] = seconds.get(int(sent), 0) + amount
            for second in [one for one, units in seconds.items() if not units]:
                del seconds[second]
        entry.time, entry.amount = sent, amount

    def _try_acquire(self, amount: int) -> float:
        """Records the amount and returns 0 if it fits; otherwise how many seconds to wait before the next try."""
        with self._open() as seconds:
            now = self._clock.now()
            for second in [one for one in seconds if not now - MINUTE - 1 < one <= now + 1]:
                del seconds[second]
            if seconds and sum(seconds.values()) + amount > self._limit:
                return max(min(seconds) + MINUTE + 1 - now, 0.01)
            seconds[int(now)] = seconds.get(int(now), 0) + ceil(amount)
            return 0

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


def _parse(content: bytes) -> dict[int, int]:
    """What the file holds; nothing where it was torn by a kill, which at worst admits one more minute's worth."""
    try:
        found = json.loads(content or b"{}")
        return {int(second): int(amount) for second, amount in cast("dict[str, int]", found).items()}
    except (ValueError, TypeError, AttributeError):
        return {}
