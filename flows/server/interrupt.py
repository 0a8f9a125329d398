"""Interrupt: ends an interrupted run within seconds, whatever its Prefect server does in the meantime.

Prefect itself waits without limit until the server has accepted all events of a run. When the server is gone, it
retries each event for seconds.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Iterable
from threading import Timer
from typing import Any, TypeVar

from contract.errors import RunError

T = TypeVar("T")

RESUME_HINT = "The same command goes on from here; nothing is paid for twice."
INTERRUPTED_MESSAGE = f"\nInterrupted. {RESUME_HINT}"
EXIT_INTERRUPTED = 130
EXIT_FAILED = 3
EXIT_WAITING = 4
"""The run waits for a person's answer."""
_SHOW_CURSOR = "\x1b[?25h"
SHUTDOWN_SECONDS = 10.0
"""How long an interrupted run may take to stop, and to report its end to the server."""


class Interrupts:
    """The signals that have interrupted this process's command.

    Each raises KeyboardInterrupt where the command is then. That may be lost: pydantic makes an error of its own of
    it, and Python drops what is raised while it clears a weak set. So it is also noted.
    """

    def __init__(self) -> None:
        self._came = False

    def listen(self, numbers: Iterable[int]) -> None:
        """Notes these signals from now on, and forgets former ones. Only in the main thread."""
        self._came = False
        for number in numbers:
            signal.signal(number, self._interrupt)

    def raise_if_any(self) -> None:
        """Raises KeyboardInterrupt where one came, so that nothing is told as if it were whole."""
        if self._came:
            raise KeyboardInterrupt

    def _interrupt(self, *_: object) -> None:
        self._came = True
        raise KeyboardInterrupt


interrupts = Interrupts()
"""One for each process, as its signals are."""


class InterruptibleRun:
    """One run. `cancel_timer()` must be called after its event loop has been closed."""

    def __init__(self) -> None:
        self._timer: Timer | None = None

    async def run(
        self,
        coroutine: Coroutine[Any, Any, T],
        shutdown: Callable[[], Coroutine[Any, Any, None]],
        server_exit: asyncio.Future[str] | None = None,
    ) -> T:
        """Returns what `coroutine` returns. When interrupted, lets it stop and then runs `shutdown`, in bounded time.

        `server_exit` is done, with the reason, when the run's own server has ended. Then the run is stopped in the
        same way, and RunError is raised.
        """
        task = asyncio.create_task(coroutine)
        try:
            await asyncio.wait({task, server_exit} if server_exit else {task}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            await self._stop(task, INTERRUPTED_MESSAGE, EXIT_INTERRUPTED)
            await _wait_for(asyncio.create_task(shutdown()), SHUTDOWN_SECONDS / 2)
            raise
        if server_exit and not task.done():
            message = f"the Prefect server of this run has ended: {server_exit.result()}\n{RESUME_HINT}"
            await self._stop(task, f"\n{message}", EXIT_FAILED)
            raise RunError(message)
        return task.result()

    async def _stop(self, task: asyncio.Task[Any], message: str, code: int) -> None:
        # An event loop waits for its threads without limit, so the time is limited outside the loop.
        self._timer = Timer(SHUTDOWN_SECONDS, _exit_now, [message, code])
        self._timer.daemon = True
        self._timer.start()
        task.cancel()
        await _wait_for(task)

    def cancel_timer(self) -> None:
        """Stops the timer of a run that has ended in time."""
        if self._timer:
            self._timer.cancel()


async def _wait_for(task: asyncio.Task[Any], seconds: float | None = None) -> None:
    await asyncio.wait({task}, timeout=seconds)
    if task.done() and not task.cancelled():
        # Read, because asyncio logs an exception that is never read. Errors of an interrupted run do not matter.
        task.exception()


def _exit_now(message: str, code: int) -> None:
    # The progress display hides the cursor.
    print(_SHOW_CURSOR * sys.stderr.isatty() + message, file=sys.stderr, flush=True)
    os._exit(code)
