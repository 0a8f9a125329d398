"""Routing: branches, loops, host routes and human gates, each a conditional subflow that shows why it was skipped."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from prefect import Flow, Task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.exceptions import FlowPauseTimeout
from prefect.flow_runs import pause_flow_run
from prefect.input import RunInput
from prefect.states import Completed
from prefect.utilities.annotations import quote
from pydantic import Field, create_model

from agents.host import STOP
from contract.base import JsonValue
from contract.errors import RunError
from contract.flow import Gate, GateField, Loop, Node, Step
from flows.engine.edges import Ended
from flows.engine.grid import Portion
from flows.engine.scope import Scope
from flows.spec.conditions import compile_condition

Body = Callable[[], Awaitable[State[Any] | None]]

_PYTHON: dict[str, type] = {"yes_no": bool, "text": str, "number": float}


NAME_CHARACTERS = 120
"""A longer name of a run would push everything else off the graph."""


def _skipped(reason: str) -> State[Any]:
    return Completed(name="Skipped", message=reason)


async def _say_skipped(told: tuple[str, str]) -> State[Any]:
    return _skipped(told[1])


def _label(parameters: dict[str, Any]) -> str:
    return parameters["told"][0]


_skip_task = Task(
    _say_skipped,
    name="skipped",
    task_run_name=_label,  # type: ignore[reportArgumentType] - their Protocol wants a static method that no function has
    persist_result=False,
    cache_policy=NO_CACHE,
)


_ALONE = WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock]()


def _alone() -> asyncio.Lock:
    """Child runs begin and end one at a time; what they do in between is not held up.

    At the same moment they lock each other out of the server's SQLite, and the client sleeps two seconds on it.
    """
    return _ALONE.setdefault(asyncio.get_running_loop(), asyncio.Lock())


async def subflow(name: str, label: str, body: Body, wait_for: Iterable[Ended]) -> Ended:
    """Runs `body` as a child run of the present flow. Errors that are no cell's own are raised, not kept."""
    raised = list[Exception]()
    alone = _alone()

    async def inside() -> State[Any] | None:
        alone.release()
        try:
            return await body()
        except Exception as error:
            raised.append(error)
            raise
        finally:
            await alone.acquire()

    flow: Flow[..., Any] = Flow(
        inside, name=name, flow_run_name=label, validate_parameters=False, persist_result=False, log_prints=False
    )
    async with alone:
        running: Any = flow(return_state=True, wait_for=list(wait_for))
        state: State[Any] = await running
    if raised:
        # Prefect's state may tell another story: a gate's run was failed by the server when its time was up.
        raise raised[0]
    if not state.is_completed():
        await state.aresult()
    return Ended.child(state)


async def show_skipped(name: str, reasons: Sequence[str], wait_for: Iterable[Ended]) -> Ended:
    """A task run in the state Skipped, for a step that no record needs."""
    running: Any = _skip_task(
        quote((_skipped_name(name, reasons), summary(reasons))), return_state=True, wait_for=[*wait_for]
    )
    state: State[Any] = await running
    return Ended.cell(state)


async def skipped_branch(name: str, label: str, reasons: Sequence[str], wait_for: Iterable[Ended]) -> Ended:
    """A child run in the state Skipped, for a branch that no record takes."""

    async def body() -> State[Any]:
        return _skipped(summary(reasons))

    return await subflow(name, _skipped_name(label, reasons), body, wait_for)


def _skipped_name(name: str, reasons: Sequence[str]) -> str:
    """With the reason, because the graph in the Prefect UI shows names and no messages."""
    return f"{name}, skipped: {summary(reasons)}"[:NAME_CHARACTERS]


def summary(reasons: Sequence[str]) -> str:
    """The reasons, each with how many records it holds for."""
    counted = Counter(reasons).most_common(5)
    if len(reasons) == 1:
        return counted[0][0]
    return "; ".join(f"{reason} ({number} records)" for reason, number in counted)


def why_not(name: str, node: Node, portion: Portion, loop: Loop | None) -> str | None:
    """Why the node does not run for this portion; None when it does. Raises ValueError from a condition."""
    scope, inputs = portion.scope, portion.inputs
    if loop and loop.host and (reason := _host_says_no(name, scope, loop)):
        return reason
    if node.when and not compile_condition(node.when).evaluate({**scope.view(), **inputs}):
        return f"{node.when} does not hold{_counts(node.when, inputs)}"
    if isinstance(node, Step) and (there := scope.given(node, inputs)) < node.min_inputs:
        return f"{there} inputs, and min_inputs is {node.min_inputs}"
    return None


def _counts(condition: str, inputs: Mapping[str, JsonValue]) -> str:
    lists = {name: len(value) for name, value in inputs.items() if isinstance(value, list) and name in condition}
    return f": {', '.join(f'{number} {name}' for name, number in lists.items())}" if lists else ""


def _host_says_no(name: str, scope: Scope, loop: Loop) -> str | None:
    request = chosen(scope, loop)
    if name == loop.host or loop.host not in scope.cells:
        return None
    if request is None:
        return "the host gave no answer"
    if request["step"] == STOP:
        return f"the host stopped: {request['reason']}"
    if name in loop.choices and request["step"] != name:
        return f"the host chose {request['step']}"
    return None


def chosen(scope: Scope, loop: Loop) -> dict[str, Any] | None:
    """What the loop's host asked for in this round, as a `UnifiedRequest` dumps."""
    traces = scope.cells.get(loop.host or "", [])
    current = [trace for trace in traces if trace.round == scope.round and trace.value is not None]
    value: Any = scope.values.get(loop.host or "")
    return value if current else None


def finished(scope: Scope, loop: Loop) -> bool:
    """Whether the loop ends for this record after the present round. Raises ValueError from the condition."""
    if loop.host:
        request = chosen(scope, loop)
        if request is None or request["step"] == STOP:
            return True
    return bool(loop.until) and compile_condition(loop.until or "").evaluate(scope.view())


async def ask(gate: Gate, shown: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Waits for a person's answer in the Prefect UI. Raises RunError when none comes in time."""
    form = _form(gate, shown)
    pausing: Any = pause_flow_run(wait_for_input=form, timeout=gate.timeout_seconds, poll_interval=1)
    try:
        answer: RunInput = await pausing
    except FlowPauseTimeout:
        raise RunError(
            f"nobody answered '{gate.gate}' within {gate.timeout_seconds} s; the same command asks again, and nothing "
            "is paid for twice"
        ) from None
    return answer.model_dump(mode="json")


def _form(gate: Gate, shown: Mapping[str, JsonValue]) -> type[RunInput]:
    fields: dict[str, Any] = {name: (_PYTHON[field.type], _field(field)) for name, field in gate.fields.items()}
    form: type[RunInput] = create_model("GateAnswer", __base__=RunInput, **fields)
    lines = [f"**{name}**: {value}" for name, value in shown.items()]
    return form.with_initial_data(description="\n\n".join([gate.gate, *lines]))


def _field(field: GateField) -> Any:
    if field.default is None:
        return Field(description=field.description)
    return Field(default=field.default, description=field.description)
