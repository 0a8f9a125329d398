"""Subflows: child flow runs, and the task runs and child runs in the state Skipped for nodes that do not run."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from prefect import Flow, Task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.states import Completed
from prefect.utilities.annotations import quote

from flows.engine.edges import FinishedRun
from flows.engine.routing import SkipReason
from flows.report.words import pluralised

SubflowBody = Callable[[], Awaitable[State[Any] | None]]


MAX_NAME_CHARACTERS = 120
"""A longer name of a run would push everything else off the graph in the UI."""


def _skipped_state(reason: str) -> State[Any]:
    return Completed(name="Skipped", message=reason)


async def _end_as_skipped(name_and_reason: tuple[str, str]) -> State[Any]:
    return _skipped_state(name_and_reason[1])


def _skip_task_run_name(parameters: dict[str, Any]) -> str:
    return parameters["name_and_reason"][0]


_skip_task = Task(
    _end_as_skipped,
    name="skipped",
    task_run_name=_skip_task_run_name,  # type: ignore[reportArgumentType] - their Protocol wants a static method that no function has
    persist_result=False,
    cache_policy=NO_CACHE,
)


_SUBFLOW_LOCKS = WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock]()


def _subflow_lock() -> asyncio.Lock:
    """The lock under which child runs begin and end, one at a time; the time in between is not under the lock.

    At the same moment they would lock each other out of the server's SQLite, and the client would sleep two seconds.
    """
    return _SUBFLOW_LOCKS.setdefault(asyncio.get_running_loop(), asyncio.Lock())


async def run_subflow(name: str, label: str, body: SubflowBody, wait_for: Iterable[FinishedRun]) -> FinishedRun:
    """Runs `body` as a child run of the current flow. Raises errors that do not belong to a cell."""
    raised = list[Exception]()
    lock = _subflow_lock()

    async def inside() -> State[Any] | None:
        lock.release()
        try:
            return await body()
        except Exception as error:
            raised.append(error)
            raise
        finally:
            await lock.acquire()

    flow: Flow[..., Any] = Flow(
        inside, name=name, flow_run_name=label, validate_parameters=False, persist_result=False, log_prints=False
    )
    async with lock:
        running: Any = flow(return_state=True, wait_for=list(wait_for))
        state: State[Any] = await running
    if raised:
        # Prefect's state may hold another error: the server fails the run of a gate when its time is up.
        raise raised[0]
    if not state.is_completed():
        await state.aresult()
    return FinishedRun.of_subflow(state)


async def skipped_task_run(name: str, reasons: Sequence[SkipReason], wait_for: Iterable[FinishedRun]) -> FinishedRun:
    """A task run in the state Skipped, for a step that no record needs."""
    running: Any = _skip_task(
        quote((_skipped_name(name, reasons), _notes(reasons))), return_state=True, wait_for=[*wait_for]
    )
    state: State[Any] = await running
    return FinishedRun.of_task_run(state)


async def skipped_subflow(
    name: str, label: str, reasons: Sequence[SkipReason], wait_for: Iterable[FinishedRun]
) -> FinishedRun:
    """A child run in the state Skipped, for a branch that no record takes."""

    async def body() -> State[Any]:
        return _skipped_state(_notes(reasons))

    return await run_subflow(name, _skipped_name(label, reasons), body, wait_for)


def skip_words(reasons: Sequence[SkipReason]) -> str:
    """The reasons as a person reads them."""
    return summarise_reasons([reason.run_words for reason in reasons])


def _skipped_name(name: str, reasons: Sequence[SkipReason]) -> str:
    """The name with the reasons, because the graph in the Prefect UI shows names and no messages."""
    return f"{name}: {skip_words(reasons)}"[:MAX_NAME_CHARACTERS]


def _notes(reasons: Sequence[SkipReason]) -> str:
    return summarise_reasons([reason.note for reason in reasons])


def summarise_reasons(reasons: Sequence[str]) -> str:
    """The five most frequent reasons, each with its number of records; a single reason without a number."""
    counted = Counter(reasons).most_common(5)
    if len(reasons) == 1:
        return counted[0][0]
    return "; ".join(f"{reason} ({pluralised(number, 'record')})" for reason, number in counted)
