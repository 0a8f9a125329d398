"""Task runs: runs a cell as a Prefect task run, and reports to the server only the states that users look at.

Prefect's engine reports of every task run that it is pending, then that it is running, then how it ended. Each report
costs, here and on the server, about as much as the rest of the task run. *Pending* lasts no time here and is left out.
*Running* is left out in runs of many records, where users do not watch single cells: there the server hears of a cell
when it has ended, with its start, its end and all its attempts.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from prefect import Task
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import Parameter, State
from prefect.states import Cancelled, Running

from contract.errors import ButtermilkError
from flows.engine.task_run_events import EventSender
from flows.results.cells import CellStorage
from flows.results.store import trace_path
from flows.server.current_flow_run import current_flow_run
from flows.server.prefect_internals import AsyncTaskRunEngine, ResultRecord, get_intent

_SILENT = logging.LoggerAdapter(logging.Logger("silent", logging.CRITICAL + 1), {})

TRUNCATED_STATE = "Truncated"
"""The state of a cell whose reply was cut: its result is never served to another."""


@dataclass(frozen=True)
class Tags:
    """The tags of a task run, and which tags have a concurrency limit on the server."""

    tags: Sequence[str] = ()
    limited: frozenset[str] = frozenset()

    @property
    def holds_slots(self) -> bool:
        """Whether the task run has to wait for a slot of such a limit."""
        return not self.limited.isdisjoint(self.tags)


async def read_limited_tags() -> frozenset[str]:
    """The tags that have a concurrency limit on the server that this process uses."""
    found, page = set[str](), 200
    async with get_client() as client:
        while len(limits := await client.read_global_concurrency_limits(page, len(found))) == page:
            found |= {limit.name for limit in limits}
    return frozenset(name.removeprefix("tag:") for name in found | {limit.name for limit in limits})


@dataclass
class _TaggedEngine(AsyncTaskRunEngine[..., Any]):
    """The engine of one task run that asks the server for slots of its tags only where one of them has a limit.

    Prefect asks at the start of each task run that has tags, whether there is a limit or not; that took as long as the
    rest of the task run. So other tags are added when the slots have been acquired.
    """

    tags: Tags = field(kw_only=True)

    @property
    def logger(self) -> logging.LoggerAdapter[logging.Logger]:
        """A logger that stays silent: the run's log has no lines for cells, whose task runs say the same."""
        return _SILENT

    @logger.setter
    def logger(self, value: Any) -> None:  # type: ignore[reportIncompatibleVariableOverride]
        """Prefect's engine sets its own; a bug is written to it."""
        self._own_logger = value

    async def handle_exception(self, exc: Exception) -> None:
        """Does what the engine does after an error, and writes the traceback of a bug to the log."""
        if not isinstance(exc, ButtermilkError | TimeoutError):
            self._own_logger.error("The agent '%s' has a bug", self.task.name, exc_info=exc)
        await super().handle_exception(exc)

    async def handle_crash(self, exc: BaseException) -> None:
        """Ends the task run as Cancelled where a person cancels its run, which is no crash."""
        if get_intent() != "cancel":
            await super().handle_crash(exc)
            return
        await self.set_state(Cancelled(message="Its run was cancelled; a retry asks again."), force=True)
        self._raised = exc

    async def begin_run(self) -> None:
        """Begins the task run, with its tags."""
        run: Any = self.task_run
        run.tags = list(self.tags.tags)
        await self._begin()

    async def _begin(self) -> None:
        await super().begin_run()

    async def set_state(self, state: State[Any], force: bool = False) -> State[Any]:
        """Sets the state, and names in it the address of the result, so that others find it."""
        return await super().set_state(self._with_address(state), force)

    def _with_address(self, state: State[Any]) -> State[Any]:
        """The state with a copy of the result's record: the kept file itself names no place of a machine."""
        run, record, storage = self.task_run, state.data, self.task.result_storage
        if run and isinstance(record, ResultRecord) and isinstance(storage, CellStorage):
            if state.name == TRUNCATED_STATE:
                record.metadata.storage_key = trace_path(run.id.hex)
            address = f"{storage.address}/{record.metadata.storage_key}"
            state.data = record.model_copy(
                update={"metadata": record.metadata.model_copy(update={"storage_key": address})}
            )
        return state

    @asynccontextmanager
    async def run_context(self) -> AsyncGenerator[_TaggedEngine]:  # type: ignore[reportIncompatibleMethodOverride]
        """The context of one attempt. Does not open the task run's context again, which `start` has opened."""
        try:
            yield self
        except TimeoutError as error:
            await self.handle_timeout(error)
        except Exception as error:
            await self.handle_exception(error)


@dataclass
class _ClientEventsEngine(_TaggedEngine):
    """The engine of one task run that reports no start, and reports its end through the run's event sender."""

    event_sender: EventSender = field(kw_only=True)

    async def _begin(self) -> None:
        """Does what the engine does when a task run begins, without the event."""
        run: Any = self.task_run
        running_state, flow_run = Running(), current_flow_run()
        running_state.state_details = self.state.state_details
        run.start_time = running_state.timestamp
        run.run_count += 1
        _set_run_state(run, running_state)
        if flow_run:
            run.flow_run_run_count = flow_run.run_count

    async def set_state(self, state: State[Any], force: bool = False) -> State[Any]:  # noqa: ARG002
        """Does what the engine does when a task run's state changes, and reports it through the event sender.

        Does not keep what the task returned for the rest of the flow run, because no other task gets it.
        """
        run: Any = self.task_run
        before, state = self.state, self._with_address(state)
        if before.timestamp == state.timestamp:
            state.timestamp += timedelta(microseconds=1)
        state.state_details.task_run_id, state.state_details.flow_run_id = run.id, run.flow_run_id
        _set_run_state(run, state)
        if before.is_running():
            run.total_run_time += state.timestamp - before.timestamp
        if state.is_running():
            run.run_count += 1
        if state.is_final() and run.start_time and not run.end_time:
            run.end_time = state.timestamp
        self._last_event = await self.event_sender.enqueue(self.client, run, before, state, self._last_event)
        self._telemetry.update_state(state)
        return state


def _set_run_state(run: Any, state: State[Any]) -> None:
    run.state, run.state_id, run.state_type, run.state_name = state, state.id, state.type, state.name


async def run_task(
    task: Task[Any, Any],
    parameters: dict[str, Any],
    wait_for: Sequence[Any],
    event_sender: EventSender | None,
    tags: Tags = Tags(),
) -> State[Any]:
    """Runs `task` as a task run and returns its last state. An `event_sender` reports the end, and no start.

    Parameters that are text are shown as the task run's inputs.
    """
    task_run = await task.create_local_run(parameters=parameters, wait_for=wait_for)
    for name, value in parameters.items():
        if isinstance(value, str):
            task_run.task_inputs[name] = [Parameter(name=value)]
    if tags.holds_slots:
        task_run.tags = list(tags.tags)
    common: dict[str, Any] = {"task": task, "parameters": parameters, "task_run": task_run, "wait_for": wait_for}
    engine = (
        _ClientEventsEngine(**common, tags=tags, event_sender=event_sender)
        if event_sender
        else _TaggedEngine(**common, tags=tags)
    )
    async with engine.start():
        while engine.is_running():
            await engine.wait_until_ready()
            async with engine.run_context(), engine.transaction_context() as transaction:
                await engine.call_task_fn(transaction)
    return engine.state
