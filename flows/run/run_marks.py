"""Marks the runs of this process, and ends those of processes that were killed; see `flows.server.run_marks`.

A flow of somebody's own is marked at its first call of something of ours, and stays so until it has ended.
"""

from __future__ import annotations

import atexit
from collections.abc import Generator, Iterable
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from urllib.parse import urlsplit
from uuid import UUID

import httpx
from prefect import get_run_logger
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import PrefectHTTPStatusError
from prefect.settings import PREFECT_API_URL

from flows.results.process_file import ProcessFile
from flows.results.store import ResultStore
from flows.server.current_flow_run import flow_runs_of_this_process
from flows.server.listen import LOOPBACK
from flows.server.run_marks import ANY_ATTEMPT, dead_marks, end_killed, mark_run
from flows.server.staying_state import mark_folders, note_marks


class RunMarks:
    """The marks of the runs of one flow in this process."""

    def __init__(self) -> None:
        self._ended = list[ProcessFile]()

    @contextmanager
    def mark(self, store: ResultStore, run: FlowRun) -> Generator[None]:
        """Marks the run as one of a living process, and flows of somebody's own that wait for it.

        The mark outlives the block: until the process ends or the next run begins, Prefect has recorded the end.
        """
        self.remove_ended()
        folder = _folder(store)
        mark = mark_run(folder, run.id, run.run_count)
        own_flow_marks.mark(store, (one for one in flow_runs_of_this_process() if one.id != run.id))
        _note_marks(folder)
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


class OwnFlowMarks:
    """The marks of flows of somebody's own in this process: of each run that is under way, also in tasks of it."""

    def __init__(self) -> None:
        self._lock = Lock()
        atexit.register(self._remove_ended)
        self._marks = dict[UUID, tuple[FlowRun, ProcessFile]]()

    def mark(self, store: ResultStore, runs: Iterable[FlowRun]) -> bool:
        """Marks those that are not marked yet, and returns whether there were such. Removes marks of ended runs."""
        with self._lock:
            self._remove_ended()
            new = {run.id: run for run in runs if run.id not in self._marks}
            for run in new.values():
                self._marks[run.id] = (run, mark_run(_folder(store), run.id, _attempt(run)))
        return bool(new)

    def _remove_ended(self) -> None:
        for run, mark in [one for one in self._marks.values() if one[0].state and one[0].state.is_final()]:
            mark.close()
            mark.path.unlink(missing_ok=True)
            del self._marks[run.id]


own_flow_marks = OwnFlowMarks()
"""One for each process, since a mark lasts as long as the process of its run."""


async def mark_own_flows(store: ResultStore) -> None:
    """Marks the flow runs around a call of an agent, of somebody's own, so that they are ended as ours are if killed.

    A flow whose task runs in another process is not marked there: it may live on. Before the first call of a flow,
    what killed runs have left is ended, as before a run of ours.
    """
    around = flow_runs_of_this_process()
    if own_flow_marks.mark(store, around):
        _note_marks(_folder(store))
        await end_killed_runs(store, around[0])


async def end_killed_runs(store: ResultStore, own: FlowRun) -> None:
    """Gives the state Crashed to what runs of dead processes have left unfinished.

    If a server fails here, the log says so, and the next run tries again.
    """
    for mark in [mark for folder in {_folder(store), *mark_folders()} for mark in dead_marks(folder)]:
        try:
            async with get_client() as client:
                await end_killed(client, mark, own.id)
        except (httpx.HTTPError, PrefectHTTPStatusError) as error:
            get_run_logger().warning("What the run %s has left could not be ended: %s", mark.flow_run_id, error)


def _attempt(run: FlowRun) -> int:
    """Only a run of a deployment can be begun again by another process; else Prefect tries it again in this one."""
    return run.run_count if run.deployment_id else ANY_ATTEMPT


def _note_marks(folder: Path) -> None:
    """Lets this machine's servers watch the marks; where the one that is used ends with the run, those after it.

    What cannot be noted, as where Prefect's folder cannot be written, is found by the next run of the same storage.
    """
    address = str(PREFECT_API_URL.value() or "")
    if not address or urlsplit(address).hostname in LOOPBACK:
        with suppress(OSError):
            note_marks(folder)


def _folder(store: ResultStore) -> Path:
    return store.journal_folder / "running"
