"""Task run events of a large run are equal to those of Prefect's own engine."""

from __future__ import annotations

from collections.abc import Generator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from prefect.client.schemas.objects import State, TaskRun
from prefect.events import Event
from prefect.events.clients import AssertingEventsClient
from prefect.events.worker import EventsWorker
from prefect.filesystems import LocalFileSystem
from prefect.results import ResultStore
from prefect.settings import PREFECT_API_URL, PREFECT_RESULTS_PERSIST_BY_DEFAULT, temporary_settings
from prefect.states import AwaitingRetry, Completed, Failed, Pending, Running
from prefect.utilities.engine import emit_task_run_state_change_event

from flows.engine.task_run_events import task_run_event

START = Running()
ENDS = [
    Completed(),
    Completed(name="Refused", message="it will not say"),
    Failed(message="x" * 100_001),
    AwaitingRetry(scheduled_time=START.timestamp + timedelta(seconds=3)),
]


@pytest.fixture
def events_discarded() -> Generator[None]:
    """Discards Prefect's events. With no address at all, Prefect would start a server for them."""
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}):
        EventsWorker.set_client_override(AssertingEventsClient)
        yield
        EventsWorker.instance().drain()
        EventsWorker.set_client_override(None)


@pytest.mark.usefixtures("events_discarded")
@pytest.mark.parametrize("end", ENDS, ids=lambda state: state.name)
@pytest.mark.parametrize("minutes", [None, 0, 6], ids=["first", "soon after", "long after"])
def test_an_event_is_equal_to_prefects(end: State[None], minutes: int | None) -> None:
    theirs, ours = _both(end, minutes)
    assert ours == theirs


@pytest.mark.usefixtures("events_discarded")
async def test_an_event_names_where_the_result_is_kept_as_prefects_does(tmp_path: Path) -> None:
    store = ResultStore(result_storage=LocalFileSystem(basepath=str(tmp_path)))
    end = Completed(data=store.create_result_record("a result", key="kept/here"))
    with temporary_settings({PREFECT_RESULTS_PERSIST_BY_DEFAULT: True}):
        theirs, ours = _both(end, None)
    assert ours == theirs
    assert ours.payload["validated_state"]["data"]["storage_key"].endswith("kept/here")


def _both(end: State[Any], minutes: int | None) -> tuple[Event | None, Event]:
    """Prefect's event of a task run that came to that state, and ours."""
    end.state_details.task_run_id, end.state_details.flow_run_id = uuid4(), uuid4()
    run = TaskRun(
        id=uuid4(), name="judge, p1", flow_run_id=uuid4(), task_key="cell", dynamic_key="1", run_count=2,
        state=end, total_run_time=timedelta(seconds=1),
        start_time=START.timestamp, end_time=end.timestamp,  # type: ignore[reportArgumentType]
    )  # fmt: skip
    before = Pending() if minutes is None else START
    follows = None
    if minutes is not None:
        occurred = end.timestamp - timedelta(minutes=minutes)
        follows = Event(occurred=occurred, event="before", resource={"prefect.resource.id": "x"})  # type: ignore[reportArgumentType]
    return emit_task_run_state_change_event(run, before, end, follows), task_run_event(run, before, end, follows)
