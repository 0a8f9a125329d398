"""A time limit that counts work and not waiting: the wait for a turn, a lock or the budget is as long as it is.

    async with WorkTimeout(600):
        ...
        with not_counted():
            await slots.acquire()

Where blocks are within one another, a wait stops the time of all of them. `WorkMeter` counts without a limit.

A call that several callers share is on none of their tasks: `SharedWork` stands for all of their limits there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from types import TracebackType
from typing import Protocol


class _Stoppable(Protocol):
    def pause(self) -> None: ...

    def resume(self) -> None: ...


_current: ContextVar[_Stoppable | None] = ContextVar("work_time", default=None)


class WorkTimeout:
    """Raises TimeoutError when its block has worked for `seconds`. Belongs to one task."""

    def __init__(self, seconds: float) -> None:
        self._left = seconds
        self._pauses = 0
        self._outer: _Stoppable | None = None
        self._timeout = asyncio.timeout(seconds)

    @property
    def expired(self) -> bool:
        """Whether the block was ended by this limit."""
        return self._timeout.expired()

    async def __aenter__(self) -> WorkTimeout:
        await self._timeout.__aenter__()
        self._outer = _current.get()
        self._token = _current.set(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        _current.reset(self._token)
        await self._timeout.__aexit__(kind, error, traceback)

    def pause(self) -> None:
        """Time stands still until as many `resume` followed."""
        if self._outer:
            self._outer.pause()
        self._pauses += 1
        when = self._timeout.when()
        if when is not None and not self.expired:
            self._left = when - asyncio.get_running_loop().time()
            self._timeout.reschedule(None)

    def resume(self) -> None:
        """Time goes on, if nothing else is waited for."""
        if self._outer:
            self._outer.resume()
        self._pauses -= 1
        if not self._pauses and not self.expired:
            self._timeout.reschedule(asyncio.get_running_loop().time() + self._left)


class WorkMeter:
    """Counts the seconds in which at least one of its blocks works, however many do at the same time."""

    def __init__(self) -> None:
        self._working = 0
        self._before = 0.0
        self._since = 0.0

    @property
    def seconds(self) -> float:
        """Seconds of work so far."""
        return self._before + (_now() - self._since if self._working else 0)

    @contextmanager
    def counted(self) -> Generator[None]:
        """Counts the time of the block, its waits left out."""
        block = _MeteredBlock(self, _current.get())
        token = _current.set(block)
        self.begin()
        try:
            yield
        finally:
            self.end()
            _current.reset(token)

    def begin(self) -> None:
        """One block more works."""
        if not self._working:
            self._since = _now()
        self._working += 1

    def end(self) -> None:
        """One block less works."""
        self._working -= 1
        if not self._working:
            self._before += _now() - self._since


class _MeteredBlock:
    def __init__(self, meter: WorkMeter, outer: _Stoppable | None) -> None:
        self._meter, self._outer, self._pauses = meter, outer, 0

    def pause(self) -> None:
        if self._outer:
            self._outer.pause()
        self._pauses += 1
        if self._pauses == 1:
            self._meter.end()

    def resume(self) -> None:
        if self._outer:
            self._outer.resume()
        self._pauses -= 1
        if not self._pauses:
            self._meter.begin()


def _now() -> float:
    return asyncio.get_running_loop().time()


class SharedWork:
    """The limits of all who wait for one piece of work, which runs in a task of its own."""

    def __init__(self) -> None:
        self._sharing = list[_Stoppable]()
        self._pauses = 0

    def pause(self) -> None:
        """Time stands still for all."""
        self._pauses += 1
        if self._pauses == 1:
            for one in self._sharing:
                one.pause()

    def resume(self) -> None:
        """Time goes on for all."""
        self._pauses -= 1
        if not self._pauses:
            for one in self._sharing:
                one.resume()

    @contextmanager
    def counted_as_own(self) -> Generator[None]:
        """While the block runs, `not_counted` stops the limits of all who share the work."""
        token = _current.set(self)
        try:
            yield
        finally:
            _current.reset(token)

    @contextmanager
    def shared(self) -> Generator[None]:
        """For the length of the block, the caller's limit is one of those that stop with the work."""
        mine = _current.get()
        if mine is None:
            yield
            return
        self._sharing.append(mine)
        if self._pauses:
            mine.pause()
        try:
            yield
        finally:
            self._sharing.remove(mine)
            if self._pauses:
                mine.resume()


@contextmanager
def not_counted() -> Generator[None]:
    """A wait that is no work: the time limit of the current work stands still for the length of the block."""
    current = _current.get()
    if current is None:
        yield
        return
    current.pause()
    try:
        yield
    finally:
        current.resume()
