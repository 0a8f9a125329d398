"""Run marks: by a locked file for each run, others on this machine know which runs were killed, and end them.

The lock lasts as long as the process of the run lives, and is gone with it, however it ends. A mark without a lock is
that of a run that has ended or was killed; the server knows which.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

from prefect.client.orchestration import PrefectClient

from flows.results.process_file import ProcessFile, is_process_alive, place_of
from flows.server.crashed_runs import end_below, end_run, run_count

_UNKNOWN_DAYS = 30
"""After that time, the mark of a run that is not known to the server of whoever looks is removed."""


@dataclass(frozen=True)
class DeadMark:
    """The mark of a process that has ended."""

    path: Path
    flow_run_id: UUID
    attempt: int
    age_in_days: float


ANY_ATTEMPT = 0
"""The attempt of a run that no other process can take up."""


def mark_run(folder: Path, flow_run_id: UUID, attempt: int) -> ProcessFile:
    """Marks the run as one of this process."""
    return ProcessFile(folder / f"{flow_run_id}.{attempt}.{place_of(folder)}.{uuid4().hex}")


def dead_marks(folder: Path) -> list[DeadMark]:
    """The marks of dead processes of this machine, the oldest first."""
    found = list[DeadMark]()
    for path in folder.glob(f"*.*.{place_of(folder)}.*"):
        if is_process_alive(path):
            continue
        flow_run_id, attempt, *_ = path.name.split(".")
        try:
            age = time.time() - path.stat().st_mtime
        except FileNotFoundError:
            continue
        found.append(DeadMark(path, UUID(flow_run_id), int(attempt), age / 86400))
    return sorted(found, key=lambda mark: -mark.age_in_days)


async def end_killed(client: PrefectClient, mark: DeadMark, own_id: UUID | None = None) -> None:
    """Gives the state Crashed to what the run of a dead process has left unfinished, and removes its mark.

    Of an earlier attempt of the run `own_id`, which goes on, that is what is below it. A form that waits for a person
    is spared, and the mark stays: when it is filled in or closed, its run has to be ended, too.
    """
    shows_form = False
    attempts = await run_count(client, mark.flow_run_id)
    if mark.flow_run_id == own_id:
        await end_below(client, mark.flow_run_id)
    elif mark.attempt in (attempts, ANY_ATTEMPT):
        shows_form = await end_run(client, mark.flow_run_id)
    if (not shows_form and attempts is not None) or mark.age_in_days > _UNKNOWN_DAYS:
        mark.path.unlink(missing_ok=True)
