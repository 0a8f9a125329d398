"""The Prefect flow run in which the current code runs."""

from __future__ import annotations

from uuid import UUID

from prefect.client.schemas.objects import FlowRun
from prefect.context import FlowRunContext

from flows.server.prefect_internals import context_around


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


def flow_runs_of_this_process() -> list[FlowRun]:
    """The current flow run and those around it, innermost first, as far as they run in this process.

    Prefect sends the context of a flow run along with a task that it runs in another process, as `detached`.
    """
    found, context = list[FlowRun](), FlowRunContext.get()
    while isinstance(context, FlowRunContext) and not context.detached:
        if context.flow_run:
            found.append(context.flow_run)
        context = context_around(context)
    return found
