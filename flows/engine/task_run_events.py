"""The feed: how the cells of a large run ended, told to the Prefect server from the run's own event loop.

Prefect hands each event from the flow's thread to a second one and from there to a third, and waking them
is a sixth of the processor time that a large run takes. One sender in the flow's own loop says the same without it.
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
from prefect.events.clients import EventsClient
from prefect.events.related import related_resources_from_run_context
from prefect.logging import get_logger
from prefect.results import ResultRecord, should_persist_result  # type: ignore[reportPrivateImportUsage]
from prefect.utilities.text import truncated_to

FLUSH_TIMEOUT_SECONDS = 15.0
"""When the run is over: how long the server may go without taking an event before the rest is given up."""
_TIGHT_TIMING = timedelta(minutes=5)
"""Events that are further apart need nobody to say which came first."""
_MAX_MESSAGE_CHARACTERS = 100_000
"""Characters of a state's message; Prefect's own limit."""
_EXCLUDED_FIELDS = {
    "id", "created", "updated", "flow_run_id", "state_id", "state_type", "state_name", "state",
    "estimated_start_time_delta", "estimated_run_time",
}  # fmt: skip
"""Of a task run, what the server knows from elsewhere or makes itself."""


class EventSender:
    """Takes events in at once and sends them in order. Belongs to one event loop; see `opened_feed`."""

    def __init__(self) -> None:
        self._events = asyncio.Queue[Event | None]()
        self._related = dict[UUID | None, list[RelatedResource]]()

    @property
    def pending(self) -> int:
        """How many have not been sent."""
        return self._events.qsize()

    async def enqueue(
        self, client: PrefectClient, run: TaskRun, before: State[Any], now: State[Any], follows: Event | None
    ) -> Event:
        """Says that a task run went from one state to another; the event that follows it is to name this one."""
        event = task_run_event(run, before, now, follows)
        event.related = await self._related_resources(client, run)
        self._events.put_nowait(event)
        return event

    async def _related_resources(self, client: PrefectClient, run: TaskRun) -> list[RelatedResource]:
        """The flow run of that task run, its flow and what else belongs to it: the same for all its task runs."""
        if run.flow_run_id not in self._related:
            found = await related_resources_from_run_context(client, exclude={f"prefect.task-run.{run.id}"})
            self._related[run.flow_run_id] = found
        return self._related[run.flow_run_id]

    async def send(self) -> None:
        """Sends until `end`. What cannot be sent is counted in the end, by `flows.server.drain`."""
        client: EventsClient | None = None
        async with AsyncExitStack() as stack:
            while event := await self._events.get():
                try:
                    client = client or await stack.enter_async_context(get_events_client())
                    await client.emit(event)
                except Exception as error:
                    get_logger(__name__).warning("The end of a task run was not told to the server: %s", error)

    def close(self) -> None:
        """There will be no more."""
        self._events.put_nowait(None)


@asynccontextmanager
async def open_event_sender() -> AsyncGenerator[EventSender]:
    """A feed for the length of the block, at whose end all is sent."""
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
    """The event as Prefect's engine makes it, but for what is around the task run. Belongs into that run's context."""
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
    """Where the result is kept."""
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
