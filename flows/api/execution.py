"""Runs a composed study inside a program: in a thread with an event loop of its own, so that it works everywhere.

A notebook's kernel, an async program and a script differ in whether a loop runs already; the run's own thread does not
depend on that, and Prefect's uses of signals do not reach it.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, wait
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeVar

from contract.errors import RunError
from flows.api.prefect_task import api_of_flow_run
from flows.api.server import process_server
from flows.spec.study import Study

if TYPE_CHECKING:
    from flows.run_folder.outcome import Outcome

T = TypeVar("T")
Progress = Callable[[int, int], None]
"""Receives the number of cells that have ended, and the largest number that there can be."""


class RunThread:
    """A coroutine in a thread of its own, with its own event loop."""

    def __init__(self, make: Callable[[], Coroutine[Any, Any, T]]) -> None:
        self._future: Future[Any] = Future()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[Any] | None = None
        context = contextvars.copy_context()
        Thread(target=lambda: context.run(self._run, make), daemon=True).start()

    def wait(self) -> Any:
        """Returns the result. Ctrl-C ends the coroutine first, so that what is paid is kept, and is then raised."""
        try:
            self._wait_until_done()
        except KeyboardInterrupt:
            self.cancel()
            self._wait_until_done()
            raise
        return self._future.result()

    def _wait_until_done(self) -> None:
        # Not `join`: a thread whose join is interrupted counts as ended (Python 3.11). In slices, because a wait
        # without end does not see Ctrl-C on every system.
        while not wait([self._future], timeout=0.2).done:
            pass

    async def wait_async(self) -> Any:
        """Returns the result; when this is cancelled, the coroutine ends first."""
        try:
            return await asyncio.shield(asyncio.wrap_future(self._future))
        except asyncio.CancelledError:
            self.cancel()
            await asyncio.wait([asyncio.wrap_future(self._future)])
            raise

    def cancel(self) -> None:
        """Cancels the coroutine."""
        if self._loop and self._task and not self._task.done():
            self._loop.call_soon_threadsafe(self._task.cancel)

    def _run(self, make: Callable[[], Coroutine[Any, Any, T]]) -> None:
        async def main() -> T:
            self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
            return await make()

        try:
            self._future.set_result(asyncio.run(main()))
        except BaseException as error:
            self._future.set_exception(error)


async def execute(study: Study, progress: Progress | None = None) -> Outcome:
    """Runs a study against this process's Prefect server, and returns its outcome when the server has recorded it.

    Raises what stopped the run: StudyError for mistakes that only the data shows, RunError otherwise.
    """
    if api_url := api_of_flow_run():
        return await _execute(study, api_url, progress)
    with process_server.use(study.run.server) as api_url:
        # In a thread: other runs of this process go on meanwhile.
        await asyncio.to_thread(process_server.wait_until_ready)
        return await _execute(study, api_url, progress)


async def _execute(study: Study, api_url: str, progress: Progress | None) -> Outcome:
    from prefect.settings import PREFECT_API_URL, temporary_settings

    from flows.plan.plan import count_records, make_plan
    from flows.run.listener import RunListener
    from flows.run.people import People
    from flows.run.runner import make_flow
    from flows.server.drain import drain, flush_events
    from flows.server.errors import server_errors

    most = sum(step.most for step in make_plan(study, count_records(study)).steps)

    class Listener(RunListener):
        outcome: Outcome | None = None

        def on_cell(self, trace: Any, totals: Any) -> None:  # noqa: ARG002
            if progress:
                progress(sum(totals.cells.values()), most)

        def on_end(self, outcome: Outcome) -> None:
            self.outcome = outcome

    listener = Listener()
    listener.people = People(shows_forms=process_server.has_page)
    with temporary_settings(updates={PREFECT_API_URL: api_url}), server_errors():
        flow: Any = make_flow(study.flow, lambda _: study, listener)
        request = {name: value for name, value in study.request.items() if value is not None}
        state = await flow(**request, return_state=True)
        if listener.outcome is None:
            await flush_events()
            await state.aresult()
            raise RunError("the run ended without a result")
        await drain(listener.outcome.flow_runs, listener.outcome.totals.task_runs)
    return listener.outcome
