"""Marks the runs of this process, and ends those of processes that were killed; see `flows.server.run_marks`."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import httpx
from prefect import get_run_logger
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun
from prefect.context import TaskRunContext
from prefect.exceptions import PrefectHTTPStatusError
from prefect.settings import PREFECT_API_URL

from flows.results.process_file import ProcessFile
from flows.results.store import ResultStore
from flows.server.current_flow_run import current_flow_run
from flows.server.run_marks import dead_marks, end_killed, mark_run
from flows.server.staying_state import folder_of_server


class RunMarks:
    """The marks of the runs of one flow in this process."""

    def __init__(self) -> None:
        self._ended = list[ProcessFile]()

    @contextmanager
    def mark(self, store: ResultStore, run: FlowRun) -> Generator[None]:
        """Marks the run as one of a living process.

        The mark outlives the block: until the process ends or the next run begins, Prefect has recorded the end.
        """
        self.remove_ended()
        folder = _folder(store)
        mark = mark_run(folder, run.id, run.run_count)
        if server := folder_of_server(PREFECT_API_URL.value() or ""):
            server.note_marks(folder)
        try:
            yield
        finally:
            self._ended.append(mark)

    def remove_ended(self) -> None:
        """Removes the marks of blocks that have ended."""
        while self._ended:
            mark = self._ended.pop()
            mark.close()
            mark.path.unlink(missing_ok=True)


@contextmanager
def mark_own_flow(store: ResultStore) -> Generator[None]:
    """Marks the run of a flow of somebody's own while it waits for an agent, so that it is ended as ours are if killed.

    Not that of a task: it may run in another process than its flow, which may live on.
    """
    run = current_flow_run()
    if run is None or TaskRunContext.get():
        yield
        return
    marks = RunMarks()
    try:
        with marks.mark(store, run):
            yield
    finally:
        marks.remove_ended()


async def end_killed_runs(store: ResultStore, own: FlowRun) -> None:
    """Gives the state Crashed to what runs of dead processes have left unfinished.

    If a server fails here, the log says so, and the next run tries again.
    """
    for mark in dead_marks(_folder(store)):
        try:
            async with get_client() as client:
                await end_killed(client, mark, own.id)
        except (httpx.HTTPError, PrefectHTTPStatusError) as error:
            get_run_logger().warning("What the run %s has left could not be ended: %s", mark.flow_run_id, error)


def _folder(store: ResultStore) -> Path:
    return store.journal_folder / "running"
