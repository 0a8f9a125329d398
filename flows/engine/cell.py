"""The one Prefect task: it runs one agent on one input, and its result is an `AgentTrace`.

A cell whose key is already known is read from the result storage instead of run (its state is named Cached). Prefect
tries transient failures again. Cells with a refused or truncated reply complete, in states of those names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

from prefect import Task
from prefect.cache_policies import NO_CACHE, CachePolicy
from prefect.client.schemas.objects import State, TaskRun
from prefect.context import TaskRunContext
from prefect.states import Completed
from prefect.tasks import exponential_backoff
from prefect.utilities.annotations import quote

from agents.base.agent import Agent
from agents.base.services import AgentServices
from agents.llms.work_time import WorkTimeout
from contract.base import digest
from contract.calls import ModelCall
from contract.errors import CellError, CellTimeout, MissingInput, OutputInvalid, OverBudget, Transient
from contract.messages import AgentOutput, AgentTrace, CellStatus
from contract.messages import CellError as ErrorRow
from contract.run import RunSettings
from contract.tool_calls import ToolCall
from flows.engine.edges import FinishedRun
from flows.engine.task_run_events import EventSender
from flows.engine.task_runs import run_task
from flows.results.cells import CellStorage
from flows.results.replies import ResultReplyStore
from flows.results.store import cell_path
from flows.results.trace_serializer import KeptTrace, TraceSerializer
from flows.server.current_flow_run import current_flow_run
from flows.spec.cell import Cell

_STATUS_OF_ERROR: Mapping[type[BaseException], CellStatus] = {MissingInput: "missing_input", OverBudget: "over_budget"}


@dataclass
class Attempts:
    """Calls and trace of the attempts of one task run; Prefect itself keeps only the last error."""

    count: int = 0
    calls: list[ModelCall] = field(default_factory=list[ModelCall])
    """Every call so far, in order."""
    tools: list[ToolCall] = field(default_factory=list[ToolCall])
    """Every call of a tool so far, in order; a kept one that an attempt found again is listed once."""
    trace: AgentTrace | None = None
    """The trace of the attempt that succeeded."""
    retries: int = 0
    """How many attempts can follow the first."""
    on_retry: Callable[[Transient], None] | None = None
    """Called with each failure after which there is a further attempt."""

    def report_retry(self, error: Transient) -> None:
        """Calls `on_retry` if a further attempt follows."""
        if self.on_retry and self.count <= self.retries and error.is_worth_a_try:
            self.on_retry(error)

    def add_calls(self, calls: Iterable[ModelCall]) -> tuple[ModelCall, ...]:
        """Adds the calls of one more attempt, and returns all calls so far.

        An attempt finds the kept replies of the attempt before again; each of these calls is listed once, as paid for.
        """
        known = {call.key for call in self.calls if call.reply}
        self.calls += [call for call in calls if call.key not in known]
        return tuple(self.calls)

    def add_tools(self, calls: Iterable[ToolCall]) -> tuple[ToolCall, ...]:
        """Adds the calls of tools of one more attempt, and returns all so far."""
        known = {call.key for call in self.tools if call.error is None}
        self.tools += [call for call in calls if not (call.from_cache and call.key in known)]
        return tuple(self.tools)


@dataclass(frozen=True)
class CellJob:
    """What the task needs: the cell, the agent, the services and the names for the trace."""

    flow: str
    cell: Cell
    agent: Agent[Any, Any]
    agent_services: AgentServices
    key: str
    parents: tuple[str, ...] = ()
    attempts: Attempts = field(default_factory=Attempts)
    replies: ResultReplyStore | None = None
    """Where replies are set aside that do not fit."""
    timeout_seconds: float | None = None
    """How long the agent may work. Prefect's own limit would count its waits, too."""

    def output_trace(self, output: AgentOutput, started: datetime) -> AgentTrace:
        """The trace of a cell that ended with an output."""
        return self._trace(
            status=output.status,
            value=output.value,
            calls=self.attempts.add_calls(output.calls),
            tools=self.attempts.add_tools(output.tools),
            note=output.note,
            started=started,
        )

    def error_trace(self, error: BaseException, started: datetime) -> AgentTrace:
        """The trace of a cell that ended with an error."""
        return self._trace(
            status=_STATUS_OF_ERROR.get(type(error), "failed"),
            error=ErrorRow(kind=type(error).__name__, message=str(error) or type(error).__name__),
            calls=tuple(self.attempts.calls),
            tools=tuple(self.attempts.tools),
            started=started,
        )

    def skipped_trace(self, reason: str) -> AgentTrace:
        """The trace of a cell that was skipped for that reason."""
        return self._trace(status="skipped", note=reason, started=datetime.now(UTC))

    def with_current_names(self, trace: AgentTrace) -> AgentTrace:
        """A trace that was read from an earlier run, with this run's names."""
        return trace.model_copy(update=self._identity_fields())

    def _identity_fields(self) -> dict[str, Any]:
        cell = self.cell
        return {
            "cell_id": cell.cell_id,
            "key": self.key,
            "parents": self.parents,
            "flow": self.flow,
            "step": cell.step,
            "agent": cell.agent,
            "agent_version": self.agent.version,
            "record_id": cell.input.record.record_id,
            "record_fingerprint": cell.input.record.fingerprint,
            "variant": cell.variant,
            "variant_id": cell.variant_id,
            "repeat": cell.repeat,
            "round": cell.round,
            "input": cell.input,
        }

    def _trace(self, **fields: Any) -> AgentTrace:
        return AgentTrace(
            **self._identity_fields(), attempts=max(self.attempts.count, 1), ended=datetime.now(UTC), **fields
        )


def cache_key(agent_name: str, agent: Agent[Any, Any], cell: Cell, agent_services: AgentServices) -> str:
    """The digest of everything that the output depends on: no run id, no time, no names of steps."""
    return digest(
        [agent_name, agent.version, agent.output_fingerprint(), agent.cache_key_parts(cell.input, agent_services)]
    )


class CellCachePolicy(CachePolicy):
    """Gives Prefect the job's own key as cache key, as a path in the storage of results."""

    def compute_key(
        self,
        task_ctx: TaskRunContext,  # noqa: ARG002
        inputs: dict[str, Any],
        flow_parameters: dict[str, Any],  # noqa: ARG002
        **kwargs: Any,  # noqa: ARG002
    ) -> str:
        """The path where Prefect looks for the result and keeps it."""
        return cell_path(inputs["job"].key)


async def _run_agent(job: CellJob) -> Any:
    started = datetime.now(UTC)
    job.attempts.count += 1
    try:
        output = await _output_in_time(job)
    except CellError as error:
        job.attempts.add_calls(error.calls)
        job.attempts.add_tools(error.tools)
        if isinstance(error, Transient):
            job.attempts.report_retry(error)
        raise
    trace = job.attempts.trace = job.output_trace(output, started)
    kept = KeptTrace(trace)
    if output.status == "completed":
        return kept
    return Completed(name=output.status.capitalize(), message=output.note, data=kept)


async def _output_in_time(job: CellJob) -> AgentOutput:
    if job.timeout_seconds is None:
        return await _output(job)
    timeout = WorkTimeout(job.timeout_seconds)
    try:
        async with timeout:
            return await _output(job)
    except TimeoutError:
        if not timeout.expired:
            raise
    raise CellTimeout(
        f"exceeded timeout of {job.timeout_seconds:g} seconds (run.timeout_seconds; its waits for a turn are not "
        "counted); a call that was under way is lost, and may be billed"
    )


async def _output(job: CellJob) -> AgentOutput:
    """The agent's output. Kept replies of earlier runs that do not fit are set aside, and then asked again."""
    while True:
        try:
            return await job.agent.process(job.cell.input, job.agent_services)
        except OutputInvalid as error:
            if job.replies is None or not await job.replies.set_aside(error.calls):
                raise


async def _is_transient(task: Task[Any, Any], run: TaskRun, state: State[Any]) -> bool:  # noqa: ARG001
    error = state.data
    return error.is_worth_a_try if isinstance(error, Transient) else isinstance(error, TimeoutError)


_CELL_TASK = Task(
    _run_agent,
    name="cell",
    task_run_name="{job.cell.label}",
    retry_condition_fn=_is_transient,
    result_serializer=TraceSerializer(),
    # The result is not read again from memory: the trace is taken from the job.
    cache_result_in_memory=False,
)


async def _task_result(state: Any) -> Any:
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
    ) -> None:
        self.event_sender = event_sender
        self.replies = replies
        self.retries = settings.retries
        """How often a cell is tried again after a transient failure."""
        self.timeout_seconds = settings.timeout_seconds
        self._settings = settings
        self._storage = storage
        self._tasks = dict[str, Task[Any, Any]]()
        self.flow_runs = set[UUID]()
        """The Prefect flow runs in which cells ran."""

    async def run(self, job: CellJob, wait_for: Iterable[FinishedRun]) -> tuple[AgentTrace, FinishedRun, bool]:
        """Runs one cell. Returns its trace, also after an error; its finished run, for edges; whether it ran now."""
        started = datetime.now(UTC)
        self.note_flow_run()
        # quote() prevents Prefect from searching the record and the services for futures.
        state = await run_task(self._task(job), {"job": quote(job)}, list(wait_for), self.event_sender)
        trace = await self._trace_of(job, state, started)
        return trace, FinishedRun.of_task_run(state), state.name != "Cached"

    async def _trace_of(self, job: CellJob, state: State[Any], started: datetime) -> AgentTrace:
        if job.attempts.trace:
            return job.attempts.trace
        result: Any = await _task_result(state)
        if isinstance(result, BaseException):
            return job.error_trace(result, started)
        return job.with_current_names(result.trace)

    def note_flow_run(self) -> None:
        """Remembers that the current flow run holds task runs."""
        if run := current_flow_run():
            self.flow_runs.add(run.id)

    def _task(self, job: CellJob) -> Task[Any, Any]:
        name = job.cell.agent
        if name not in self._tasks:
            self._tasks[name] = self._build_task(name, job.agent.cached)
        return self._tasks[name]

    def _build_task(self, name: str, cached: bool) -> Task[Any, Any]:
        settings = self._settings
        delays = exponential_backoff(settings.retry_delay_seconds)(settings.retries) if settings.retries else None
        task = _CELL_TASK.with_options(
            name=name,
            cache_policy=CellCachePolicy() if cached else NO_CACHE,
            persist_result=cached,
            retries=settings.retries,
            retry_delay_seconds=[min(delay, 60.0) for delay in delays] if delays else 0,
            retry_jitter_factor=0.3,
        )
        if cached:
            # An attribute: an argument would have to be saved on Prefect's server, so that others can find the results.
            task.result_storage = cast("Any", self._storage)
        return task
