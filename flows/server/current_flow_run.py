"""The Prefect flow run in which the current code runs."""

from __future__ import annotations

from uuid import UUID

from prefect.client.schemas.objects import FlowRun
from prefect.context import FlowRunContext


def current_flow_run() -> FlowRun | None:
    """The current flow run; None outside a flow run."""
    context = FlowRunContext.get()
    return context.flow_run if context else None


def current_flow_run_id() -> UUID | None:
    """The id of the current flow run; None outside a flow run."""
    run = current_flow_run()
    return run.id if run else None


def current_flow_name() -> str:
    """The name of the current flow; empty outside a flow run."""
    context = FlowRunContext.get()
    return context.flow.name if context and context.flow else ""
