"""Started: what takes long to start, is started at the first need of it, and again when it has failed or ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, Protocol, TypeVar


class Resource(Protocol):
    """Something with an end."""

    @property
    def ended(self) -> bool:
        """Whether it is of no more use."""
        ...

    async def aclose(self) -> None:
        """Ends it."""
        ...


S = TypeVar("S", bound=Resource)


class LazyResource(Generic[S]):
    """One of what `start` starts, for all who need it. Belongs to one event loop."""

    def __init__(self, start: Callable[[], Coroutine[Any, Any, S]]) -> None:
        self._start = start
        self._task: asyncio.Task[S] | None = None

    async def get(self) -> S:
        """The one that runs. Raises what `start` raises; the next to ask has it tried again."""
        # A task, so that one who runs out of time while it starts leaves it to the next.
        if self._task is None or _has_ended(self._task):
            self._task = asyncio.create_task(self._start())
        return await asyncio.shield(self._task)

    async def aclose(self) -> None:
        """Ends it, or its start."""
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
    return task.cancelled() or task.exception() is not None or task.result().over
