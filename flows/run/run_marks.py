"""Run marks: by a locked file for each run, the next run on this machine knows which runs were killed, and ends them.

The lock lasts as long as the process of the run lives, and is gone with it, however it ends. A mark without a lock is
that of a run that has ended or was killed; the server knows which.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import httpx
from prefect import get_run_logger
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import PrefectHTTPStatusError

from flows.results.process_file import ProcessFile, is_process_alive, place_of
from flows.results.store import ResultStore
from flows.server.crashed_runs import end_below, end_run, run_count

_UNKNOWN_DAYS = 30
"""After that time, the mark of a run that is not known to the server of this run is removed."""


class RunMarks:
    """The marks of the runs of one flow in this process."""

    def __init__(self) -> None:
        self._ended = list[ProcessFile]()

    @contextmanager
    def mark(self, store: ResultStore, run: FlowRun) -> Generator[None]:
        """Marks the run as one of a living process.

        The mark outlives the block: until the process ends or the next run begins, Prefect has recorded the end.
        """
        self._remove_ended()
        folder = _folder(store)
        mark = ProcessFile(folder / f"{run.id}.{run.run_count}.{place_of(folder)}.{uuid4().hex}")
        try:
            yield
        finally:
            self._ended.append(mark)

    def _remove_ended(self) -> None:
        while self._ended:
            mark = self._ended.pop()
            mark.close()
            mark.path.unlink(missing_ok=True)


async def end_killed_runs(store: ResultStore, own: FlowRun) -> None:
    """Gives the state Crashed to what runs of dead processes have left unfinished.

    Of an earlier attempt of the run `own` that is what is below it. A form that waits for a person is spared. If a
    server fails here, the log says so, and the next run tries again.
    """
    for mark in _dead_marks(_folder(store)):
        shows_form = False
        try:
            async with get_client() as client:
                attempts = await run_count(client, mark.flow_run_id)
                if mark.flow_run_id == own.id:
                    await end_below(client, own.id)
                elif attempts == mark.attempt:
                    shows_form = await end_run(client, mark.flow_run_id)
        except (httpx.HTTPError, PrefectHTTPStatusError) as error:
            get_run_logger().warning("What the run %s has left could not be ended: %s", mark.flow_run_id, error)
            continue
        # Looked at again by later runs: when the form is filled in or closed, its run has to be ended, too.
        if (not shows_form and attempts is not None) or mark.age_in_days > _UNKNOWN_DAYS:
            mark.path.unlink(missing_ok=True)


@dataclass(frozen=True)
class _Mark:
    path: Path
    flow_run_id: UUID
    attempt: int
    age_in_days: float


def _folder(store: ResultStore) -> Path:
    return store.journal_folder / "running"


def _dead_marks(folder: Path) -> list[_Mark]:
    """The marks of dead processes of this machine, the oldest first."""
    found = list[_Mark]()
    for path in folder.glob(f"*.*.{place_of(folder)}.*"):
        if is_process_alive(path):
            continue
        flow_run_id, attempt, *_ = path.name.split(".")
        try:
            age = time.time() - path.stat().st_mtime
        except FileNotFoundError:
            continue
        found.append(_Mark(path, UUID(flow_run_id), int(attempt), age / 86400))
    return sorted(found, key=lambda mark: -mark.age_in_days)
