"""The compiler: a FlowSpec as Prefect runs. Each cell is a task run; conditions, loops and gates are child runs.

A level is the nodes of one Prefect flow run: the whole flow, or one round of a loop. Nodes of a level run as soon as
those they need have ended, each for all the records of the batch together.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from graphlib import TopologicalSorter
from typing import Any

from prefect.client.schemas.objects import State
from prefect.states import Completed

from agents.agent import Agent
from agents.given import Given
from contract.base import JsonValue, digest
from contract.errors import ButtermilkError
from contract.flow import FlowSpec, Gate, Loop, Node, Step
from contract.messages import AgentTrace
from flows.cell import Cells, Work, cache_key
from flows.graph import dependencies, references
from flows.grid import Cell, cells_of
from flows.ledger import Ledger
from flows.references import parse
from flows.routing import Body, ask, chosen, finished, show_skipped, skipped_branch, subflow, why_not
from flows.scope import Scope


@dataclass(frozen=True)
class Services:
    """What a run needs beside its flow."""

    given: Given
    agents: Mapping[str, Agent[Any, Any]]
    cells: Cells
    ledger: Ledger
    slots: asyncio.Semaphore


@dataclass(frozen=True)
class Level:
    """The nodes of one Prefect flow run, and the states that their edges start from."""

    nodes: Mapping[str, Node]
    loop: Loop | None = None
    states: dict[str, list[State[Any]]] = field(default_factory=dict[str, list[State[Any]]])


class Course:
    """Takes a batch of records through a flow, inside the present Prefect flow run."""

    def __init__(self, spec: FlowSpec, services: Services) -> None:
        self._spec = spec
        self._services = services

    async def run(self, scopes: Sequence[Scope]) -> None:
        """All steps for those records. What becomes of each cell stands in the ledger and in the scopes."""
        await self._level(Level(self._spec.steps), scopes)

    async def run_apart(self, scopes: Sequence[Scope], label: str) -> None:
        """The same in a child run of its own, so that a run of many batches stays readable in the UI."""
        body = self._body(Level(self._spec.steps), scopes)
        await subflow(f"{self._spec.name}.records", label, body, [])

    async def _level(self, level: Level, scopes: Sequence[Scope]) -> None:
        waits = dependencies(level.nodes, level.loop.host if level.loop else None)
        tasks = dict[str, asyncio.Task[None]]()

        async def in_turn(name: str) -> None:
            await asyncio.gather(*(tasks[needed] for needed in waits[name]))
            upstream = [state for needed in sorted(waits[name]) for state in level.states.get(needed, [])]
            await self._node(name, level, scopes, upstream)

        async with asyncio.TaskGroup() as group:
            for name in TopologicalSorter(waits).static_order():
                tasks[name] = group.create_task(in_turn(name), name=name)

    async def _node(self, name: str, level: Level, scopes: Sequence[Scope], upstream: list[State[Any]]) -> None:
        node = level.nodes[name]
        going, reasons = self._sorted_out(name, node, scopes, level.loop)
        label = f"{self._spec.name}.{name}"
        if not going:
            show = (
                skipped_branch(label, name, reasons, upstream) if node.when else show_skipped(name, reasons, upstream)
            )
            level.states[name] = [await show] if reasons else []
        elif isinstance(node, Loop):
            level.states[name] = [await self._loop(name, node, going, upstream)]
        elif isinstance(node, Gate):
            level.states[name] = [await self._gate(name, node, going, upstream)]
        elif node.when:
            level.states[name] = [await self._branch(name, node, going, level.loop, upstream)]
        else:
            level.states[name] = await self._step(name, node, going, level.loop, upstream)

    def _sorted_out(
        self, name: str, node: Node, scopes: Sequence[Scope], loop: Loop | None
    ) -> tuple[list[Scope], list[str]]:
        """The records for which the node runs, and the reasons of the others."""
        going, reasons = list[Scope](), list[str]()
        for scope in scopes:
            try:
                reason = why_not(name, node, scope, loop)
            except ValueError as error:
                self._write_off(name, node, scope, error)
                reasons.append(str(error))
                continue
            if reason is None:
                going.append(scope)
            else:
                reasons.append(reason)
                self._write_off(name, node, scope, reason)
        return going, reasons

    def _write_off(self, name: str, node: Node, scope: Scope, why: str | ValueError) -> None:
        """Rows for cells that will not run: skipped with the reason, or failed when the condition itself failed."""
        if not isinstance(node, Step):
            return
        for cell in cells_of(self._spec.name, name, node, scope):
            work = self._work(name, node, scope, cell, key="")
            trace = work.without_output(ValueError(str(why)), datetime.now(UTC))
            if isinstance(why, str):
                trace = trace.model_copy(update={"status": "skipped", "note": why, "error": None})
            self._services.ledger.add(trace, fresh=True, task_run=False)

    async def _branch(
        self, name: str, step: Step, scopes: Sequence[Scope], loop: Loop | None, upstream: list[State[Any]]
    ) -> State[Any]:
        async def body() -> State[Any]:
            await self._step(name, step, scopes, loop, [])
            return Completed(message=f"{step.when}")

        return await subflow(f"{self._spec.name}.{name}", name, body, upstream)

    async def _loop(self, name: str, loop: Loop, scopes: Sequence[Scope], upstream: list[State[Any]]) -> State[Any]:
        active, waits = list(scopes), upstream
        for number in range(1, loop.max_rounds + 1):
            turn = [scope.next_round(number) for scope in active]
            body = self._body(Level(loop.loop, loop), turn)
            state = await subflow(f"{self._spec.name}.{name}", f"{name} · round {number}", body, waits)
            waits = [state]
            active = [scope for scope, now in zip(active, turn, strict=True) if not self._finished(name, now, loop)]
            if not active:
                break
        return waits[0]

    def _body(self, level: Level, scopes: Sequence[Scope]) -> Body:
        # A closure without parameters: Prefect would make a form of any that it had.
        async def body() -> None:
            await self._level(level, scopes)

        return body

    def _finished(self, name: str, scope: Scope, loop: Loop) -> bool:
        try:
            return finished(scope, loop)
        except ValueError as error:
            for inner, node in loop.loop.items():
                self._write_off(f"{name}.{inner}", node, scope, error)
            return True

    async def _gate(self, name: str, gate: Gate, scopes: Sequence[Scope], upstream: list[State[Any]]) -> State[Any]:
        async def body() -> None:
            for scope in scopes:
                scope.values[name] = await ask(gate, scope.inputs(gate))  # type: ignore[reportArgumentType]

        return await subflow(f"{self._spec.name}.{name}", f"{name} · a person is asked", body, upstream)

    async def _step(
        self, name: str, step: Step, scopes: Sequence[Scope], loop: Loop | None, upstream: list[State[Any]]
    ) -> list[State[Any]]:
        states = list[State[Any]]()

        async def one(scope: Scope) -> None:
            extra = self._extra(name, step, scope, loop)
            cells = list(cells_of(self._spec.name, name, step, scope, extra))
            ended = await asyncio.gather(*(self._cell(name, step, scope, cell, upstream) for cell in cells))
            scope.keep(name, step, [trace for trace, _ in ended])
            states.extend(state for _, state in ended if state is not None)

        async with asyncio.TaskGroup() as group:
            for scope in scopes:
                group.create_task(one(scope))
        return states

    def _extra(self, name: str, step: Step, scope: Scope, loop: Loop | None) -> dict[str, JsonValue]:
        """Inputs that no reference names: a host's tools and round, and the arguments a host chose."""
        if loop is None or loop.host is None:
            return {}
        if name == loop.host:
            supplied: dict[str, JsonValue] = {"tools": self._tools(loop), "round": scope.round}
            return {key: supplied[key] for key in self._services.agents[step.agent].supplied}
        request = chosen(scope, loop)
        return dict(request["arguments"]) if request and name in loop.choices else {}

    def _tools(self, loop: Loop) -> list[JsonValue]:
        steps = {name: node for name in loop.choices if isinstance(node := loop.loop[name], Step)}
        return [
            self._services.agents[step.agent]
            .tool(name, step.description or name, frozenset(step.inputs))
            .model_dump(mode="json")
            for name, step in steps.items()
        ]

    async def _cell(
        self, name: str, step: Step, scope: Scope, cell: Cell, upstream: list[State[Any]]
    ) -> tuple[AgentTrace, State[Any] | None]:
        services = self._services
        agent = services.agents[step.agent]
        work = self._work(name, step, scope, cell, key="")
        started = datetime.now(UTC)
        try:
            agent.inputs(cell.input)
            key = cache_key(step.agent, agent, cell, services.given) if agent.cached else digest(cell.cell_id)
        except ButtermilkError as error:
            trace = work.without_output(error, started)
            services.ledger.add(trace, fresh=True, task_run=False)
            return trace, None
        async with services.slots:
            trace, state = await services.cells.run(self._work(name, step, scope, cell, key), upstream)
        services.ledger.add(trace, fresh=state.name != "Cached", task_run=True)
        return trace, state

    def _work(self, name: str, step: Step, scope: Scope, cell: Cell, key: str) -> Work:
        named = {parse(text).step for _, text in references(step)}
        parents = scope.parents(sorted(one for one in named if one and one != name))
        return Work(self._spec.name, cell, self._services.agents[step.agent], self._services.given, key, parents)
