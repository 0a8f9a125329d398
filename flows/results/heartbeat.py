"""Alive: how runs that share a result storage know of each other that they still go on, whatever their clocks say.

A run writes a new number under its name now and then. Whoever depends on it looks whether the number changes, and
counts the time since by its own clock.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from threading import Event, Thread

from flows.results.store import ResultStore

BEATS_PER_TIMEOUT = 6
"""How often a run tells that it goes on, within the time after which it is called lost."""
Payload = Callable[[], Mapping[str, str]]


@contextmanager
def heartbeat(store: ResultStore, owner: str, lost_after_seconds: float, payload: Payload = dict) -> Generator[None]:
    """Tells for the length of the block that `owner` goes on, with what `told` has to say each time.

    A thread, so that a loop that is busy for a while is not taken for a dead one.
    """
    stopped = Event()

    def write_beat(number: int) -> None:
        store.put(heartbeat_path(owner), json.dumps({"beat": number, **payload()}).encode())

    def keep_beating() -> None:
        number = 1
        while not stopped.wait(lost_after_seconds / BEATS_PER_TIMEOUT):
            # One that cannot be written is like one that was not: the next may be.
            try:
                write_beat(number)
            except OSError:
                continue
            number += 1

    write_beat(0)
    thread = Thread(target=keep_beating, name=f"alive {owner}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()
        store.remove(heartbeat_path(owner))


class HeartbeatMonitor:
    """Looks at what others tell. Belongs to one event loop."""

    def __init__(self, store: ResultStore) -> None:
        self._store = store
        self._seen = dict[str, tuple[bytes, float]]()

    async def seconds_since_beat(self, owner: str) -> float:
        """For how long nothing new was heard, as far as this Watch knows: 0 at the first look."""
        beat, now = await self._read_beat(owner), time.monotonic()
        before = self._seen.get(owner)
        if before is None or beat not in (before[0], b""):
            self._seen[owner] = (beat, now)
            return 0
        return now - before[1]

    async def last_payload(self, owner: str) -> Mapping[str, str]:
        """What it said last; empty where it has said nothing, or ended."""
        beat = await self._read_beat(owner) or self._seen.get(owner, (b"", 0))[0]
        try:
            return json.loads(beat or b"{}")
        except ValueError:
            return {}

    async def _read_beat(self, owner: str) -> bytes:
        try:
            return await self._store.aread_path(heartbeat_path(owner))
        except FileNotFoundError:
            return b""


def heartbeat_path(owner: str) -> str:
    """Where the run of that name tells that it goes on."""
    return f"alive/{owner}"
