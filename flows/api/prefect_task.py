"""Whether this is called inside somebody's own Prefect flow: an agent becomes a task run there, a study a child run."""

from __future__ import annotations

import sys


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
