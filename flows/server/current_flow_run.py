"""Present: the Prefect flow run that the code at hand runs in."""

from __future__ import annotations

from uuid import UUID

from prefect.client.schemas.objects import FlowRun
from prefect.context import FlowRunContext


def current_flow_run() -> FlowRun | None:
    """That flow run; None outside one."""
    context = FlowRunContext.get()
    return context.flow_run if context else None


def current_flow_run_id() -> UUID | None:
    """The id of that flow run."""
    run = current_flow_run()
    return run.id if run else None
