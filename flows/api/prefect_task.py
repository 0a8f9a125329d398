"""What is called inside somebody's own Prefect flow: an agent becomes a task run there, a study a child run."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

T = TypeVar("T")


def in_prefect_flow() -> bool:
    """Whether this is called inside a Prefect flow run. Does not import Prefect: without it there is none."""
    if "prefect" not in sys.modules:
        return False
    from prefect.context import FlowRunContext

    return FlowRunContext.get() is not None


def api_of_flow_run() -> str | None:
    """The API that holds the flow run around this call, so that a child run goes to the same; None outside one."""
    if not in_prefect_flow():
        return None
    from prefect.context import FlowRunContext

    context = FlowRunContext.get()
    return str(context.client.api_url) if context and context.client else None


async def as_task_run(
    agent: str, record_id: str, parameters: Mapping[str, Any], process: Callable[[], Awaitable[T]]
) -> T:
    """Runs `process` as a task run of the agent, with the key, tags and inputs that it has in a study's run."""
    from prefect import Task
    from prefect.client.schemas.objects import Parameter

    from flows.engine.agent_tasks import named_inputs, tags_for
    from flows.server.prefect_internals import run_task_async

    async def call(record_id: str, model: str | None = None, criterion: str | None = None) -> T:  # noqa: ARG001 - shown in Prefect
        return await process()

    call.__name__ = call.__qualname__ = agent
    inputs = named_inputs(record_id, parameters)
    named = [inputs[name] for name in ("criterion", "model") if name in inputs]
    run_name = ", ".join([agent, *named, record_id])
    task = Task(call, name=agent, task_run_name=run_name, tags=tags_for(agent, inputs), persist_result=False)
    shown = dict[str, Any]()
    for name, value in inputs.items():
        one: Any = Parameter(name=value)
        shown[name] = {one}
    run: Any = run_task_async(task, parameters=inputs, dependencies=shown)
    return await run
