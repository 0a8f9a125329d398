"""The parts of Prefect that its documentation does not describe, and that any of its versions may change.

No other file imports them. `tests/server/test_prefect_internals.py` fails when the code changes that we rely on;
CONTRIBUTING.md says what to do then.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

from prefect._internal.control_listener import get_intent
from prefect._internal.result_records import ResultRecord
from prefect.events.clients import EventsClient
from prefect.events.related import related_resources_from_run_context
from prefect.events.worker import EventsWorker
from prefect.logging.handlers import APILogHandler
from prefect.results import should_persist_result
from prefect.task_engine import AsyncTaskRunEngine, run_task_async
from prefect.utilities.engine import link_state_to_flow_run_result, link_state_to_task_run_result
from prefect.utilities.text import truncated_to

__all__ = [
    "APILogHandler",
    "AsyncTaskRunEngine",
    "EventsClient",
    "EventsWorker",
    "ResultRecord",
    "get_intent",
    "link_state_to_flow_run_result",
    "link_state_to_task_run_result",
    "related_resources_from_run_context",
    "run_task_async",
    "should_persist_result",
    "truncated_to",
]


def context_around(context: Any) -> Any:
    """The context of its kind in which that one was entered; None, or no context at all, for the outermost."""
    return context._token.old_value if context._token else None


def server_application() -> Callable[..., Any]:
    """The ASGI application of Prefect's server. Imports the server, which takes seconds."""
    from prefect.server.api.server import create_app

    return create_app()


def record_task_runs_after(seconds: float) -> None:
    """Lets the server in this process record the last task runs of a run so long after they arrive.

    Prefect's own setting is rounded down to whole seconds, and 0 would never sleep.
    """
    from prefect.server.services import task_run_recorder

    consumer = task_run_recorder.consumer

    def quick_consumer(*args: Any, **settings: Any) -> Any:
        return consumer(*args, **{**settings, "flush_every": seconds})

    task_run_recorder.consumer = quick_consumer


def keep_events(is_kept: Callable[[str, bytes | str], bool]) -> None:
    """Lets the server in this process keep in its feed only the events, by name and JSON, for which that is true."""
    from prefect.server.events.services import event_persister

    create_handler = event_persister.create_handler

    @asynccontextmanager
    async def create_chosen(**settings: Any) -> AsyncGenerator[Any]:
        async with create_handler(**settings) as keep:

            async def keep_chosen(message: Any) -> None:
                if is_kept(message.attributes["event"], message.data):
                    await keep(message)

            yield keep_chosen

    event_persister.create_handler = create_chosen
