"""Task-run events: reports to the Prefect server, from the run's own event loop, how the cells of a large run ended.

Prefect passes each event from the flow's thread to a second thread and from there to a third. To wake these threads
takes a sixth of the processor time of a large run. One sender in the flow's own loop does the same without that cost.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import State, TaskRun
from prefect.events import Event, RelatedResource, get_events_client
from prefect.logging import get_logger

from flows.server.event_feed import LEFT_OUT_LABEL
from flows.server.prefect_internals import (
    EventsClient,
    ResultRecord,
    related_resources_from_run_context,
    should_persist_result,
    truncated_to,
)

FLUSH_TIMEOUT_SECONDS = 15.0
"""After the run: how long the server may accept no event before the rest is given up."""
_TIGHT_TIMING = timedelta(minutes=5)
"""Events that are further apart do not name the event before: their times show which came first."""
_MAX_MESSAGE_CHARACTERS = 100_000
"""Longest message of a state; Prefect's own limit."""
_EXCLUDED_FIELDS = {
    "id", "created", "updated", "flow_run_id", "state_id", "state_type", "state_name", "state",
    "estimated_start_time_delta", "estimated_run_time",
}  # fmt: skip
"""Fields of a task run that the server knows from elsewhere or makes itself."""


class EventSender:
    """Accepts events at once and sends them in order. Belongs to one event loop; see `open_event_sender`."""

    def __init__(self) -> None:
        self._events = asyncio.Queue[Event | None]()
        self._related = dict[UUID | None, list[RelatedResource]]()

    @property
    def pending(self) -> int:
        """How many events have not been sent."""
        return self._events.qsize()

    async def enqueue(
        self, client: PrefectClient, run: TaskRun, before: State[Any], now: State[Any], follows: Event | None
    ) -> Event:
        """Queues and returns the event of a task run that went from one state to another.

        The next event of the same task run names this one as the event that it `follows`.
        """
        event = task_run_event(run, before, now, follows)
        event.related = await self._related_resources(client, run)
        event.resource.root[LEFT_OUT_LABEL] = "true"
        self._events.put_nowait(event)
        return event

    async def _related_resources(self, client: PrefectClient, run: TaskRun) -> list[RelatedResource]:
        """The flow run of that task run, its flow and its other related resources: the same for all its task runs."""
        if run.flow_run_id not in self._related:
            found = await related_resources_from_run_context(client, exclude={f"prefect.task-run.{run.id}"})
            self._related[run.flow_run_id] = found
        return self._related[run.flow_run_id]

    async def send(self) -> None:
        """Sends events until `close`. `flows.server.drain` counts at the end the events that could not be sent."""
        client: EventsClient | None = None
        async with AsyncExitStack() as stack:
            while event := await self._events.get():
                try:
                    client = client or await stack.enter_async_context(get_events_client())
                    await client.emit(event)
                except Exception as error:
                    get_logger(__name__).warning("The end of a task run was not reported to the server: %s", error)

    def close(self) -> None:
        """Ends `send` after the events that are queued."""
        self._events.put_nowait(None)


@asynccontextmanager
async def open_event_sender() -> AsyncGenerator[EventSender]:
    """An event sender for the length of the block.

    At the end of the block, waits until all events are sent, or until the server has taken none for
    `FLUSH_TIMEOUT_SECONDS`.
    """
    event_sender = EventSender()
    sending = asyncio.create_task(event_sender.send())
    try:
        yield event_sender
    finally:
        event_sender.close()
        pending = event_sender.pending + 1
        while event_sender.pending < pending:
            pending = event_sender.pending
            await asyncio.wait([sending], timeout=FLUSH_TIMEOUT_SECONDS)
        sending.cancel()


def task_run_event(run: TaskRun, before: State[Any], now: State[Any], follows: Event | None) -> Event:
    """The event as Prefect's engine makes it, without related resources. Call it in the context of the task run."""
    return Event(
        id=now.id,
        occurred=now.timestamp,  # type: ignore[reportArgumentType]
        event=f"prefect.task-run.{now.name}",
        resource={  # type: ignore[reportArgumentType]
            "prefect.resource.id": f"prefect.task-run.{run.id}",
            "prefect.resource.name": run.name,
            "prefect.run-count": str(run.run_count),
            "prefect.state-message": truncated_to(_MAX_MESSAGE_CHARACTERS, now.message),
            "prefect.state-name": now.name or "",
            "prefect.state-timestamp": now.timestamp.isoformat(),
            "prefect.state-type": now.type.value,
            "prefect.orchestration": "client",
        },
        payload={
            "intended": {"from": before.type.value, "to": now.type.value},
            "initial_state": _state_payload(before),
            "validated_state": {**_state_payload(now), "data": _result_metadata(now)},
            "task_run": run.model_dump(mode="json", exclude_none=True, exclude=_EXCLUDED_FIELDS),
        },
        follows=follows.id if follows and abs(now.timestamp - follows.occurred) < _TIGHT_TIMING else None,
    )


def _result_metadata(state: State[Any]) -> dict[str, Any] | None:
    """Where the result is kept; None if it is not."""
    data: Any = state.data
    return data.metadata.model_dump(mode="json") if isinstance(data, ResultRecord) and should_persist_result() else None


def _state_payload(state: State[Any]) -> dict[str, Any]:
    details = state.state_details.model_dump(
        mode="json", exclude_none=True, exclude_unset=True, exclude={"flow_run_id", "task_run_id"}
    )
    return {
        "type": state.type.value,
        "name": state.name,
        "message": truncated_to(_MAX_MESSAGE_CHARACTERS, state.message),
        "state_details": details,
    }
