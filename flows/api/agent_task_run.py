"""One call of an agent as a task run of somebody's own Prefect flow.

It is the task of a study's cell: its trace is the task run's result, which `trace` finds, and which the same call reads
back; transient failures are tried again. Other than in a study, its error is raised in the flow that asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from prefect.utilities.annotations import quote

from agents.base.services import AgentServices
from contract.base import JsonValue, digest
from contract.messages import AgentInput, AgentTrace
from flows.compose.one_agent import AgentCall
from flows.engine.agent_tasks import agent_task, named_inputs, tags_for
from flows.engine.cell import task_result
from flows.engine.cell_job import Attempts, CellJob, checked_cache_key
from flows.engine.task_runs import Tags, read_limited_tags, run_task
from flows.results.cells import CellStorage
from flows.run.run_marks import mark_own_flows
from flows.run.services import OpenedServices
from flows.server.current_flow_run import current_flow_name
from flows.spec.cell import Cell


async def run_as_task(
    agent: str, call: AgentCall, agent_input: AgentInput, services: AgentServices, opened: OpenedServices
) -> AgentTrace:
    """Makes the call, and returns its trace. Raises CellError where the agent has no output."""
    job = _job(agent, call, agent_input, services, opened)
    named = named_inputs(agent_input.record.record_id, agent_input.parameters)
    storage = CellStorage.over(opened.store, opened.set_aside, again=opened.again)
    # What an agent with tools gives depends on people, too, who may answer otherwise: its calls are kept one by one.
    task = agent_task(agent, job.agent, call.study.run, storage, cached=job.agent.cached and services.tools is None)
    tags = Tags(tags_for(agent, named), await read_limited_tags())
    await mark_own_flows(opened.store)
    state = await run_task(task, {"job": quote(job), **named}, (), None, tags)
    if job.attempts.trace:
        return job.attempts.trace
    result: Any = await task_result(state)
    if isinstance(result, BaseException):
        raise result
    return job.with_current_names(result.trace)


def _job(
    agent: str, call: AgentCall, agent_input: AgentInput, services: AgentServices, opened: OpenedServices
) -> CellJob:
    flow = current_flow_name()
    cell = Cell(
        cell_id=digest([flow, agent, agent_input.record.fingerprint, agent_input.parameters, agent_input.inputs]),
        step=agent,
        agent=agent,
        variant=_variant(agent_input.parameters),
        variant_id="",
        repeat=0,
        round=0,
        input=agent_input,
    )
    settings = call.study.run
    job = CellJob(
        flow,
        cell,
        call.agent(),
        services,
        key="",
        attempts=Attempts(retries=settings.retries),
        replies=opened.replies,
        timeout_seconds=settings.timeout_seconds,
    )
    return replace(job, key=checked_cache_key(job))


def _variant(parameters: Mapping[str, JsonValue]) -> Mapping[str, JsonValue]:
    """What the task run is named after, as in a study: the criterion and the model."""
    return {name: parameters[name] for name in ("criteria", "model") if isinstance(parameters.get(name), str)}
