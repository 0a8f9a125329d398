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
    """Runs `process` as a task run named after the agent; Prefect sees the record's id and the settings only."""
    from prefect import task

    named = [str(parameters[key]) for key in ("criteria", "model") if key in parameters]
    tags = [f"agent:{agent}", *(f"{key}:{parameters[key]}" for key in ("criteria", "model") if key in parameters)]

    @task(name=agent, task_run_name=", ".join([agent, *named, record_id]), tags=tags, persist_result=False)
    async def call(record: str) -> T:  # noqa: ARG001 - shown in Prefect
        return await process()

    return await call(record_id)
