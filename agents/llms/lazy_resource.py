"""A shared resource that starts slowly: started at first use, and again after its start failed or it ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, Protocol, TypeVar


class Resource(Protocol):
    """Something that runs and ends, such as a process."""

    @property
    def ended(self) -> bool:
        """Whether it can no longer be used."""
        ...

    async def aclose(self) -> None:
        """Ends it."""
        ...


R = TypeVar("R", bound=Resource)


class LazyResource(Generic[R]):
    """The one resource that `start` returns, shared by all callers. Belongs to one event loop."""

    def __init__(self, start: Callable[[], Coroutine[Any, Any, R]]) -> None:
        self._start = start
        self._task: asyncio.Task[R] | None = None

    async def get(self) -> R:
        """Returns the running resource. Raises what `start` raises; the next call starts it again."""
        # A task: the start goes on for the next caller when one caller runs out of time.
        if self._task is None or _has_ended(self._task):
            self._task = asyncio.create_task(self._start())
        return await asyncio.shield(self._task)

    async def aclose(self) -> None:
        """Ends the resource, or cancels its start."""
        task, self._task = self._task, None
        if task is None:
            return
        task.cancel()
        outcome = (await asyncio.gather(task, return_exceptions=True))[0]
        if not isinstance(outcome, BaseException):
            await outcome.aclose()


def _has_ended(task: asyncio.Task[Any]) -> bool:
    if not task.done():
        return False
    return task.cancelled() or task.exception() is not None or task.result().ended
