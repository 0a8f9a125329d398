"""The one process that stays: who it is, how another takes its place, how it is ended.

It holds the lock `alive` as long as it lives; the operating system takes the lock away however it ends.
"""

from __future__ import annotations

import fcntl
import os
import signal
import time
from contextlib import suppress
from typing import BinaryIO

from flows.cli.warm.identity import folder, is_private

_ENDING_SECONDS = 10.0


def take_place(identity: str) -> BinaryIO | None:
    """The lock, after a process of another identity was asked to go; None where one of this identity lives."""
    lock = _open_lock()
    deadline = time.monotonic() + _ENDING_SECONDS
    while not _is_locked(lock):
        process, theirs = _state()
        if theirs == identity or time.monotonic() > deadline:
            lock.close()
            return None
        _ask_to_end(process)
    (folder() / "state").write_text(f"{os.getpid()} {identity}", encoding="utf-8")
    return lock


def running_process() -> int | None:
    """The number of the process that stays, or None."""
    if not is_private(folder()):
        return None
    with _open_lock() as lock:
        return None if _is_locked(lock) else _state()[0]


def end_process() -> bool:
    """Asks the process that stays to end, after the commands that it runs now. Returns whether there was one."""
    process = running_process()
    deadline = time.monotonic() + _ENDING_SECONDS
    while running_process() and time.monotonic() < deadline:
        _ask_to_end(running_process())
    return process is not None


def _ask_to_end(process: int | None) -> None:
    if process:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGTERM)
    time.sleep(0.05)


def _state() -> tuple[int | None, str]:
    """The process that has written last, and its identity."""
    with suppress(OSError, ValueError):
        process, _, identity = (folder() / "state").read_text(encoding="utf-8").partition(" ")
        return int(process), identity
    return None, ""


def _open_lock() -> BinaryIO:
    return os.fdopen(os.open(folder() / "alive", os.O_RDWR | os.O_CREAT, 0o600), "r+b", buffering=0)  # type: ignore[return-value]


def _is_locked(lock: BinaryIO) -> bool:
    try:
        fcntl.flock(lock.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
