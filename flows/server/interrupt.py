"""Leaving: whoever interrupts a run has the terminal back within seconds, whatever its Prefect server does meanwhile.

Left alone, Prefect waits without end until the server has taken what there is to tell of a run, and tries each event
for seconds again when the server is gone.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine
from threading import Timer
from typing import Any, TypeVar

from contract.errors import RunError

T = TypeVar("T")

GO_ON = "The same command goes on from here; nothing is paid for twice."
INTERRUPTED = f"\nInterrupted. {GO_ON}"
INTERRUPTED_CODE = 130
FAILED_CODE = 3
_SHOW_CURSOR = "\x1b[?25h"
WIND_UP_SECONDS = 10.0
"""How long an interrupted run may take to stop, and to tell its server how it ended."""


class Interruptible:
    """One run. `over()` must be called when its event loop has been closed."""

    def __init__(self) -> None:
        self._timer: Timer | None = None

    async def run(
        self,
        work: Coroutine[Any, Any, T],
        wind_up: Callable[[], Coroutine[Any, Any, None]],
        server: asyncio.Future[str] | None = None,
    ) -> T:
        """What `work` returns. When interrupted, lets it stop, and `wind_up` after it, as long as there is time.

        `server` is done, with the reason, when the run's own server has ended. Then RunError is raised, once the
        run has stopped in the same way.
        """
        task = asyncio.create_task(work)
        try:
            await asyncio.wait({task, server} if server else {task}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            await self._stopped(task, INTERRUPTED, INTERRUPTED_CODE)
            await _ended(asyncio.create_task(wind_up()), WIND_UP_SECONDS / 2)
            raise
        if server and not task.done():
            message = f"the Prefect server of this run has ended: {server.result()}\n{GO_ON}"
            await self._stopped(task, f"\n{message}", FAILED_CODE)
            raise RunError(message)
        return task.result()

    async def _stopped(self, task: asyncio.Task[Any], told: str, code: int) -> None:
        # By itself, a loop waits for its threads as long as they like. So it is not in the loop that time is kept.
        self._timer = Timer(WIND_UP_SECONDS, _leave_at_once, [told, code])
        self._timer.daemon = True
        self._timer.start()
        task.cancel()
        await _ended(task)

    def over(self) -> None:
        """The run has ended by itself, in time."""
        if self._timer:
            self._timer.cancel()


async def _ended(task: asyncio.Task[Any], seconds: float | None = None) -> None:
    await asyncio.wait({task}, timeout=seconds)
    if task.done() and not task.cancelled():
        # Asked for, because asyncio logs what nobody asks for; of an interrupted run, no error matters any more.
        task.exception()


def _leave_at_once(told: str, code: int) -> None:
    # The progress that is shown hides the cursor.
    print(_SHOW_CURSOR * sys.stderr.isatty() + told, file=sys.stderr, flush=True)
    os._exit(code)
