"""How many calls of one model are under way at once, in all processes that reach one folder.

    slots = SharedSlots(folder / "3f2a.concurrency", limit=8)
    slot = await slots.acquire()
    ...
    slots.release(slot)

Each slot is a byte of a file, locked while its call is under way. The operating system ends a lock with its process,
however that ends, so a killed run holds nothing. Processes take turns at slots that become free: one that has all of
them gives others a chance before it takes the next.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import random
import struct
import weakref
from contextlib import suppress
from pathlib import Path

_LOCK = "hhqqi0q"
"""`struct flock`: kind, whence, start, length, process."""
_WAITING_BYTE = 1 << 20
"""Locked, shared, by each process that waits for a slot."""
_PAUSE = (0.005, 0.025)
"""Seconds between two tries, by chance: so that no process is always the first."""


def can_share_slots(folder: Path) -> bool:
    """Whether a file of this folder can have locks that belong to an open file and not to a process.

    macOS and some network file systems have none.
    """
    if not hasattr(fcntl, "F_OFD_SETLK"):
        return False
    probe = SharedSlots(folder / "probe", 1)
    try:
        probe.check()
    except OSError:
        return False
    return True


class SharedSlots:
    """At most `limit` calls at once, together with all others of that file. Belongs to one event loop."""

    def __init__(self, path: Path, limit: int) -> None:
        self._path = path
        self._limit = limit
        self._held = set[int]()
        self._turn = asyncio.Lock()
        self._freed = asyncio.Event()
        self._opened: int | None = None

    def check(self) -> None:
        """Locks and unlocks once. Raises OSError where the file system has no such locks."""
        if self._lock(fcntl.F_RDLCK, _WAITING_BYTE):
            self._lock(fcntl.F_UNLCK, _WAITING_BYTE)

    async def acquire(self) -> int:
        """Waits for a slot; returns its number."""
        # Of this process one waits, so that its calls begin in their order.
        async with self._turn:
            if (slot := self._take()) is not None:
                return slot
            self._lock(fcntl.F_RDLCK, _WAITING_BYTE)
            try:
                while (slot := self._take()) is None:
                    await self._pause()
                return slot
            finally:
                self._lock(fcntl.F_UNLCK, _WAITING_BYTE)

    def release(self, slot: int) -> None:
        """Frees the slot for the next call, of whichever process."""
        self._lock(fcntl.F_UNLCK, slot)
        self._held.discard(slot)
        self._freed.set()

    def _take(self) -> int | None:
        for slot in range(self._limit):
            if slot not in self._held and self._lock(fcntl.F_WRLCK, slot):
                self._held.add(slot)
                return slot
        return None

    async def _pause(self) -> None:
        seconds = random.uniform(*_PAUSE)  # noqa: S311 - no secret
        self._freed.clear()
        if self._others_wait():
            await asyncio.sleep(seconds)
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._freed.wait()

    def _others_wait(self) -> bool:
        asked = struct.pack(_LOCK, fcntl.F_WRLCK, os.SEEK_SET, _WAITING_BYTE, 1, 0)
        kind = struct.unpack(_LOCK, fcntl.fcntl(self._file(), fcntl.F_OFD_GETLK, asked))[0]
        return kind != fcntl.F_UNLCK

    def _lock(self, kind: int, byte: int) -> bool:
        """Locks or unlocks a byte; False where another process has it."""
        try:
            fcntl.fcntl(self._file(), fcntl.F_OFD_SETLK, struct.pack(_LOCK, kind, os.SEEK_SET, byte, 1, 0))
        except (BlockingIOError, PermissionError):
            return False
        return True

    def _file(self) -> int:
        if self._opened is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._opened = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
            weakref.finalize(self, os.close, self._opened)
        return self._opened
