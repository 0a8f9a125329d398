"""Heartbeat: how runs that share a result storage know that the others still run, without comparing their clocks.

A run writes a new number under its name at intervals. A run that depends on it checks whether the number changes, and
measures the time since the last change by its own clock.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from threading import Event, Thread

from flows.results.store import ResultStore

BEATS_PER_TIMEOUT = 6
"""How many beats a run writes in the time after which it counts as lost."""
Payload = Callable[[], Mapping[str, str]]


@contextmanager
def heartbeat(store: ResultStore, owner: str, lost_after_seconds: float, payload: Payload = dict) -> Generator[None]:
    """Writes for the length of the block that `owner` still runs, each time with the current `payload()`.

    A thread writes the beats, so that an event loop that is busy for a while does not count as dead.
    """
    stopped = Event()

    def write_beat(number: int) -> None:
        store.put(heartbeat_path(owner), json.dumps({"beat": number, **payload()}).encode())

    def keep_beating() -> None:
        number = 1
        while not stopped.wait(lost_after_seconds / BEATS_PER_TIMEOUT):
            # A beat that cannot be written is left out: the next one may succeed.
            try:
                write_beat(number)
            except OSError:
                continue
            number += 1

    write_beat(0)
    thread = Thread(target=keep_beating, name=f"heartbeat {owner}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()
        store.remove(heartbeat_path(owner))


class HeartbeatMonitor:
    """Reads the heartbeats of other runs. Belongs to one event loop."""

    def __init__(self, store: ResultStore) -> None:
        self._store = store
        self._seen = dict[str, tuple[bytes, float]]()

    async def seconds_since_beat(self, owner: str) -> float:
        """Seconds without a new beat, as far as this monitor knows: 0 at the first call."""
        beat, now = await self._read_beat(owner), time.monotonic()
        before = self._seen.get(owner)
        if before is None or beat not in (before[0], b""):
            self._seen[owner] = (beat, now)
            return 0
        return now - before[1]

    async def last_payload(self, owner: str) -> Mapping[str, str]:
        """The last beat of that run with its payload; empty if there is none now and this monitor saw none before."""
        beat = await self._read_beat(owner) or self._seen.get(owner, (b"", 0))[0]
        try:
            return json.loads(beat or b"{}")
        except (ValueError, RecursionError):
            return {}

    async def _read_beat(self, owner: str) -> bytes:
        try:
            return await self._store.aread_path(heartbeat_path(owner))
        except FileNotFoundError:
            return b""


def heartbeat_path(owner: str) -> str:
    """Where the run of that name writes its heartbeat."""
    return f"alive/{owner}"
