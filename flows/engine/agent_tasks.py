"""The Prefect tasks of agents: each runs its agent on one input, and its result is an `AgentTrace`.

Each agent is a task of its own, with its own name and key, so that Prefect's pages and filters know agents. Its task
runs name the record, the model and the criterion as inputs and as tags; never a text or a key.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC, datetime
from inspect import getdoc
from typing import Any, cast

from prefect import Task
from prefect.cache_policies import CachePolicy
from prefect.client.schemas.objects import State, TaskRun
from prefect.context import TaskRunContext
from prefect.states import Completed
from prefect.tasks import exponential_backoff

from agents.base.agent import Agent
from agents.llms.work_time import WorkTimeout
from contract.errors import CellError, CellTimeout, OutputInvalid, Transient
from contract.messages import AgentOutput
from contract.run import RunSettings
from flows.engine.cell_job import CellJob
from flows.results.cells import CellStorage
from flows.results.store import cell_path, trace_path
from flows.results.trace_serializer import KeptTrace, TraceSerializer, attach_trace
from flows.spec.cell import Cell, truncated

_TAGGED_PARAMETERS = {"model": "model", "criteria": "criterion"}
"""Parameters of a step that a task run is found by, and what they are called there."""


def named_inputs(record_id: str, parameters: Mapping[str, Any]) -> dict[str, str]:
    """What the task run's inputs say: the record's id, and the model and criterion where there are such."""
    named = {name: parameters.get(key) for key, name in _TAGGED_PARAMETERS.items()}
    chosen = {name: value for name, value in named.items() if isinstance(value, str)}
    return {"record_id": record_id, **{name: truncated(value) for name, value in chosen.items()}}


def inputs_of(cell: Cell) -> dict[str, str]:
    """The inputs of the cell's task run."""
    return named_inputs(cell.input.record.record_id, cell.input.parameters)


def tags_of(cell: Cell) -> list[str]:
    """The tags of the cell's task run: `agent:judge`, `step:verdicts`, `model:gpt`, `criterion:ordinary`."""
    agent, *others = tags_for(cell.agent, inputs_of(cell))
    return [agent, f"step:{cell.step}", *others]


def tags_for(agent: str, inputs: Mapping[str, str]) -> list[str]:
    """The tags of a task run of that agent, the agent's own first."""
    chosen = {name: value for name, value in inputs.items() if name != "record_id"}
    return [f"{name}:{value}" for name, value in {"agent": agent, **chosen}.items()]


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


class TracePolicy(CachePolicy):
    """Gives each task run a path of its own, where no other finds its result."""

    def compute_key(
        self,
        task_ctx: TaskRunContext,
        inputs: dict[str, Any],  # noqa: ARG002
        flow_parameters: dict[str, Any],  # noqa: ARG002
        **kwargs: Any,  # noqa: ARG002
    ) -> str:
        """The path where Prefect keeps the result."""
        return trace_path(task_ctx.task_run.id.hex)


async def _run_agent(job: CellJob) -> Any:
    started = datetime.now(UTC)
    job.attempts.count += 1
    try:
        output = await _output_in_time(job)
    except Exception as error:
        if isinstance(error, CellError):
            job.attempts.add_calls(error.calls)
            job.attempts.add_tools(error.tools)
        if isinstance(error, Transient):
            job.attempts.report_retry(error)
        attach_trace(error, job.error_trace(error, started))
        raise
    trace = job.attempts.trace = job.output_trace(output, started)
    kept = KeptTrace(trace)
    if output.status == "completed":
        return kept
    return Completed(name=output.status.capitalize(), message=output.note, data=kept)


async def _output_in_time(job: CellJob) -> AgentOutput:
    if job.loop_time is None:
        return await _output_in_own_time(job)
    async with job.loop_time.counted():
        return await _output_in_own_time(job)


async def _output_in_own_time(job: CellJob) -> AgentOutput:
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


def _task_function(agent: str, about: str) -> Callable[..., Coroutine[Any, Any, Any]]:
    """A function of the agent's own name, since Prefect makes a task's key of the name of its function."""

    async def run(job: CellJob, record_id: str, model: str | None = None, criterion: str | None = None) -> Any:  # noqa: ARG001
        return await _run_agent(job)

    run.__name__ = run.__qualname__ = agent
    run.__doc__ = about
    return run


async def _is_transient(task: Task[Any, Any], run: TaskRun, state: State[Any]) -> bool:  # noqa: ARG001
    error = state.data
    return error.is_worth_a_try if isinstance(error, Transient) else isinstance(error, TimeoutError)


def agent_task(
    name: str, agent: Agent[Any, Any], settings: RunSettings, storage: CellStorage | None, *, cached: bool
) -> Task[Any, Any]:
    """The Prefect task of that agent. Its results are kept in `storage`; later runs find them where `cached`."""
    delays = exponential_backoff(settings.retry_delay_seconds)(settings.retries) if settings.retries else None
    task = Task(
        _task_function(name, getdoc(type(agent)) or ""),
        name=name,
        task_run_name="{job.cell.label}",
        retry_condition_fn=_is_transient,
        result_serializer=TraceSerializer(),
        # The result is not read again from memory: the trace is taken from the job.
        cache_result_in_memory=False,
        cache_policy=CellCachePolicy() if cached else TracePolicy(),
        persist_result=storage is not None,
        retries=settings.retries,
        retry_delay_seconds=[min(delay, 60.0) for delay in delays] if delays else 0,
        retry_jitter_factor=0.3,
    )
    if storage is not None:
        # An attribute: an argument would have to be saved on Prefect's server, so that others can find the results.
        task.result_storage = cast("Any", storage)
    return task
