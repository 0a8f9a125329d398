"""Calls that go on after their client was answered: no client waits for longer than a minute."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from agents.tools.tool import ToolFailed
from contract.base import JsonValue
from flows.mcp.published import MAX_CALL_SECONDS


@dataclass
class _Call:
    task: asyncio.Task[JsonValue]
    waiting: int = 0
    """How many clients wait for it now."""
    outlived: bool = False
    """Whether a client's time ran out: it goes on then, also when nobody waits."""


class PendingCalls:
    """Runs calls, each once, however many clients ask for the same at the same time."""

    def __init__(self, seconds: float = MAX_CALL_SECONDS) -> None:
        self._seconds = seconds
        self._calls: dict[str, _Call] = {}

    async def result_of(self, key: str, make: Callable[[], Awaitable[JsonValue]]) -> JsonValue:
        """Returns what `make` gives. Ends the call when the last client that waits for it has cancelled.

        Raises ToolFailed when time runs out; the call goes on, and the same request finds it.
        """
        call = self._calls.get(key)
        if call is None:
            call = self._calls[key] = _Call(asyncio.ensure_future(_coroutine(make)))
            call.task.add_done_callback(lambda task: self._forget(key, task))
        call.waiting += 1
        try:
            done, _ = await asyncio.wait({call.task}, timeout=self._seconds)
        except asyncio.CancelledError:
            if call.waiting == 1 and not call.outlived:
                call.task.cancel()
            raise
        finally:
            call.waiting -= 1
        if not done:
            call.outlived = True
            raise ToolFailed(
                f"no answer within {self._seconds:.0f} seconds; the call goes on, and what it pays for is kept: "
                "make the same call again to have its answer"
            )
        return call.task.result()

    async def aclose(self) -> None:
        """Cancels all calls, and waits until they have ended."""
        tasks = [call.task for call in self._calls.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _forget(self, key: str, task: asyncio.Task[JsonValue]) -> None:
        self._calls.pop(key, None)
        if not task.cancelled():
            # Read, because asyncio logs an exception that nobody reads; the same request meets it again.
            task.exception()


async def _coroutine(make: Callable[[], Awaitable[JsonValue]]) -> JsonValue:
    return await make()
