"""Runs cells as task runs of Prefect.

A cell whose key is already known is read from the result storage instead of run (its state is named Cached). Prefect
tries transient failures again. Cells with a refused or truncated reply complete, in states of those names.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from prefect import Task
from prefect.client.schemas.objects import State
from prefect.utilities.annotations import quote

from contract.messages import AgentTrace
from contract.run import RunSettings
from flows.engine.agent_tasks import agent_task, inputs_of, tags_of
from flows.engine.cell_job import CellJob
from flows.engine.edges import FinishedRun
from flows.engine.task_run_events import EventSender
from flows.engine.task_runs import Tags, run_task
from flows.results.cells import CellStorage
from flows.results.replies import ResultReplyStore
from flows.results.trace_serializer import attached_trace
from flows.server.current_flow_run import current_flow_run


async def task_result(state: Any) -> Any:
    """What the task returned or raised; if the task returned a state, the data of that state."""
    while isinstance(state, State):
        state = await state.aresult(raise_on_failure=False)  # type: ignore[reportUnknownVariableType]
    return state  # type: ignore[reportUnknownVariableType]


class CellRunner:
    """Runs cells as Prefect tasks, with one prepared task for each agent.

    With an `event_sender`, the server hears only of the end of each cell: see `task_runs`.
    """

    def __init__(
        self,
        settings: RunSettings,
        storage: CellStorage | None = None,
        replies: ResultReplyStore | None = None,
        event_sender: EventSender | None = None,
        limited_tags: frozenset[str] = frozenset(),
    ) -> None:
        self.event_sender = event_sender
        self.replies = replies
        self.retries = settings.retries
        """How often a cell is tried again after a transient failure."""
        self.timeout_seconds = settings.timeout_seconds
        self._settings = settings
        self._storage = storage
        self._limited_tags = limited_tags
        self._tasks = dict[str, Task[Any, Any]]()
        self.flow_runs = set[UUID]()
        """The Prefect flow runs in which cells ran."""

    async def run(self, job: CellJob, wait_for: Iterable[FinishedRun]) -> tuple[AgentTrace, FinishedRun, bool]:
        """Runs one cell. Returns its trace, also after an error; its finished run, for edges; whether it ran now."""
        started = datetime.now(UTC)
        self.note_flow_run()
        # quote() prevents Prefect from searching the record and the services for futures.
        parameters = {"job": quote(job), **inputs_of(job.cell)}
        tags = Tags(tags_of(job.cell), self._limited_tags)
        state = await run_task(self._task(job), parameters, list(wait_for), self.event_sender, tags)
        trace = await self._trace_of(job, state, started)
        return trace, FinishedRun.of_task_run(state), state.name != "Cached"

    async def _trace_of(self, job: CellJob, state: State[Any], started: datetime) -> AgentTrace:
        if job.attempts.trace:
            return job.attempts.trace
        result: Any = await task_result(state)
        if isinstance(result, BaseException):
            return attached_trace(result) or job.error_trace(result, started)
        return job.with_current_names(result.trace)

    def note_flow_run(self) -> None:
        """Remembers that the current flow run holds task runs."""
        if run := current_flow_run():
            self.flow_runs.add(run.id)

    def _task(self, job: CellJob) -> Task[Any, Any]:
        name = job.cell.agent
        if name not in self._tasks:
            self._tasks[name] = agent_task(name, job.agent, self._settings, self._storage, cached=job.agent.cached)
        return self._tasks[name]
