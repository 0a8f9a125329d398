"""The compiler: a FlowSpec as Prefect runs. Each cell is a task run; conditions, loops and gates are child runs.

A level is the nodes of one Prefect flow run: the whole flow, or one round of a loop. Nodes of a level run as soon as
those they need have ended, each for all the records of the batch together.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from prefect import get_run_logger
from prefect.client.schemas.objects import State
from prefect.states import Completed

from agents.base.agent import Agent
from agents.base.services import Given
from contract.base import JsonValue, digest
from contract.errors import ButtermilkError
from contract.flow import FlowSpec, Gate, Loop, Node, Step
from contract.messages import AgentTrace
from flows.accounting.ledger import Ledger
from flows.engine.cell import Cells, Tries, Work, cache_key
from flows.engine.edges import Ended, Ends
from flows.engine.gate import ask
from flows.engine.gather import together
from flows.engine.grid import Portion, cells_of, groups_of, unwanted_cells
from flows.engine.routing import chosen, finished, why_not
from flows.engine.scope import Scope
from flows.engine.subflow import Body, show_skipped, skipped_branch, subflow
from flows.spec.cell import Cell
from flows.spec.graph import dependencies, upstream


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
    """The nodes of one Prefect flow run, and what of them has ended."""

    nodes: Mapping[str, Node]
    loop: Loop | None = None
    ends: dict[str, Ends] = field(default_factory=dict[str, Ends])


@dataclass(frozen=True)
class Turn:
    """A node that is about to run: where it stands, and what it waited for."""

    name: str
    loop: Loop | None
    waited: Sequence[Ends]

    def edges(self, *scopes: Scope) -> list[Ended]:
        """What those records waited for."""
        return [finished_run for ends in self.waited for finished_run in ends.of(scopes)]


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
        await self._child(f"{self._spec.name}.records", label, body, [])

    async def _child(self, name: str, label: str, body: Body, waited: Sequence[Ended]) -> Ended:
        return await subflow(name, label, body, waited)

    async def _level(self, level: Level, scopes: Sequence[Scope]) -> None:
        waits = dependencies(level.nodes, level.loop.host if level.loop else None)
        done_events = {name: asyncio.Event() for name in waits}

        async def in_turn(name: str) -> None:
            for needed in waits[name]:
                await done_events[needed].wait()
            node_run = Turn(name, level.loop, [level.ends[needed] for needed in sorted(waits[name])])
            level.ends[name] = await self._node(level.nodes[name], node_run, scopes)
            done_events[name].set()

        await together(in_turn(name) for name in waits)

    async def _node(self, node: Node, turn: Turn, scopes: Sequence[Scope]) -> Ends:
        runnable, reasons = self._sorted_out(node, turn, scopes)
        if not runnable:
            return await self._nobody(node, turn, scopes, reasons)
        if isinstance(node, Loop):
            return Ends(await self._loop(node, turn, runnable))
        if isinstance(node, Gate):
            return Ends(await self._gate(node, turn, runnable))
        if node.when:
            return Ends(await self._branch(node, turn, runnable))
        return await self._step(node, turn, runnable)

    def _sorted_out(self, node: Node, turn: Turn, scopes: Sequence[Scope]) -> tuple[list[Portion], list[str]]:
        """What the node is to run for, and the reasons of the rest, which gets its rows here."""
        runnable, reasons = list[Portion](), list[str]()
        for scope in scopes:
            for record_group, why in self._portions(node, turn, scope):
                if why is None:
                    runnable.append(record_group)
                else:
                    reasons.append(str(why))
                    self._write_off(turn.name, node, record_group, why)
        return runnable, reasons

    def _portions(self, node: Node, turn: Turn, scope: Scope) -> Iterator[tuple[Portion, str | ValueError | None]]:
        """Each portion with why it does not run: a reason, or the error that kept it from being decided."""
        groups = groups_of(node, scope)
        if isinstance(node, Step) and not groups:
            yield Portion(scope, {}), f"there is nothing to group by {' and '.join(node.group_by)}"
        for group in groups:
            try:
                inputs = {} if isinstance(node, Loop) else scope.inputs(node, group)
                record_group = Portion(scope, {**self._extra(node, turn, scope), **inputs}, group)
                yield record_group, why_not(turn.name, node, record_group, turn.loop)
            except ValueError as error:
                yield Portion(scope, {}, group), error

    def _write_off(self, name: str, node: Node, portion: Portion, why: str | ValueError) -> None:
        """Rows for cells that will not run: skipped with the reason, or failed when that could not be decided."""
        if isinstance(node, Loop):
            for inner, child in node.loop.items():
                self._write_off(inner, child, portion, why)
        elif isinstance(node, Step):
            for cell in unwanted_cells(self._spec.name, name, node, portion):
                job = self._work(node, portion, cell)
                failed = isinstance(why, ValueError)
                trace = job.without_output(why, datetime.now(UTC)) if failed else job.skipped(why)
                self._services.ledger.add(trace, fresh=True, task_run=False)

    async def _nobody(self, node: Node, turn: Turn, scopes: Sequence[Scope], reasons: Sequence[str]) -> Ends:
        """What the UI shows of a node that no record needs."""
        wait_for = turn.edges(*scopes)
        if node.when:
            return Ends(await skipped_branch(f"{self._spec.name}.{turn.name}", turn.name, reasons, wait_for))
        self._services.cells.note_flow_run()
        self._services.ledger.totals.task_runs += 1
        return Ends(await show_skipped(turn.name, reasons, wait_for))

    async def _branch(self, step: Step, turn: Turn, portions: Sequence[Portion]) -> Ended:
        async def body() -> State[Any]:
            await self._step(step, replace(turn, waited=()), portions)
            return Completed(message=f"{step.when}")

        return await self._apart(turn, turn.name, body, portions)

    async def _gate(self, gate: Gate, turn: Turn, portions: Sequence[Portion]) -> Ended:
        async def body() -> None:
            for record_group in portions:
                record_group.scope.values[turn.name] = await ask(gate, record_group.inputs)  # type: ignore[reportArgumentType]

        return await self._apart(turn, f"{turn.name}, a person is asked", body, portions)

    async def _apart(self, turn: Turn, label: str, body: Body, portions: Sequence[Portion]) -> Ended:
        wait_for = turn.edges(*(record_group.scope for record_group in portions))
        return await self._child(f"{self._spec.name}.{turn.name}", label, body, wait_for)

    async def _loop(self, loop: Loop, turn: Turn, portions: Sequence[Portion]) -> Ended:
        active = [record_group.scope for record_group in portions]
        wait_for, number = turn.edges(*active), 0
        while active and number < loop.max_rounds:
            number += 1
            round_scopes = [scope.next_round(number) for scope in active]
            body = self._body(Level(loop.loop, loop), round_scopes)
            finished_run = await self._child(
                f"{self._spec.name}.{turn.name}", f"{turn.name}, round {number}", body, wait_for
            )
            wait_for = [finished_run]
            active = [
                scope for scope, then in zip(active, round_scopes, strict=True) if not self._over(turn.name, then, loop)
            ]
        return wait_for[0]

    def _over(self, name: str, scope: Scope, loop: Loop) -> bool:
        try:
            return finished(scope, loop)
        except ValueError as error:
            step = next(node for node in loop.loop.values() if isinstance(node, Step))
            self._write_off(f"{name}.until", step, Portion(scope, {}), error)
            return True

    def _body(self, level: Level, scopes: Sequence[Scope]) -> Body:
        # A closure without parameters: Prefect would make a form of any that it had.
        async def body() -> None:
            await self._level(level, scopes)

        return body

    async def _step(self, step: Step, turn: Turn, portions: Sequence[Portion]) -> Ends:
        edges = Ends()

        async def one(scope: Scope, mine: Sequence[Portion]) -> None:
            wait_for = turn.edges(scope)
            pairs = [(p, cell) for p in mine for cell in cells_of(self._spec.name, turn.name, step, p)]
            ended = await together(self._cell(step, record_group, cell, wait_for) for record_group, cell in pairs)
            scope.keep(turn.name, step, [trace for trace, _ in ended])
            for _, end in ended:
                if end:
                    edges.add(scope, end)

        by_scope = groupby(portions, key=lambda portion: portion.scope.record.record_id)
        groups_by_record = [list(mine) for _, mine in by_scope]
        await together(one(mine[0].scope, mine) for mine in groups_by_record)
        return edges

    def _extra(self, node: Node, turn: Turn, scope: Scope) -> dict[str, JsonValue]:
        """Inputs that no reference names: a host's tools and round, and the arguments a host chose."""
        loop = turn.loop
        if loop is None or loop.host is None or not isinstance(node, Step):
            return {}
        if turn.name == loop.host:
            supplied: dict[str, JsonValue] = {"tools": self._tools(loop), "round": scope.round}
            return {key: supplied[key] for key in self._services.agents[node.agent].supplied}
        request = chosen(scope, loop)
        return dict(request["arguments"]) if request and turn.name in loop.choices else {}

    def _tools(self, loop: Loop) -> list[JsonValue]:
        steps = {name: node for name in loop.choices if isinstance(node := loop.loop[name], Step)}
        return [
            self._services.agents[step.agent]
            .tool(name, step.description or name, frozenset(step.inputs))
            .model_dump(mode="json")
            for name, step in steps.items()
        ]

    async def _cell(
        self, step: Step, portion: Portion, cell: Cell, waited: Sequence[Ended]
    ) -> tuple[AgentTrace, Ended | None]:
        services, job = self._services, self._work(step, portion, cell)
        # Inside, so that no key is made, and nothing of it held, long before its cell's turn.
        async with services.slots, services.ledger.running(cell):
            started = datetime.now(UTC)
            try:
                job = replace(job, key=self._key(job))
            except Exception as error:
                if not isinstance(error, ButtermilkError):
                    get_run_logger().exception("The agent '%s' has a bug", step.agent)
                trace = job.without_output(error, started)
                services.ledger.add(trace, fresh=True, task_run=False)
                return trace, None
            trace, finished_run, fresh = await services.cells.run(job, waited)
        services.ledger.add(trace, fresh=fresh, task_run=True, task_run_id=finished_run.task_run_id)
        return trace, finished_run

    def _key(self, work: Work) -> str:
        """Raises MissingInput, and whatever else keeps the cell from being run."""
        work.agent.inputs(work.cell.input)
        if not work.agent.cached:
            return digest(work.cell.cell_id)
        return cache_key(work.cell.agent, work.agent, work.cell, self._services.given)

    def _work(self, step: Step, portion: Portion, cell: Cell) -> Work:
        parents = portion.scope.parents(sorted(upstream(step)), portion.group)
        agent, agent_services = self._services.agents[step.agent], self._services.given
        attempts = Tries(retries=self._services.cells.retries, trouble=self._services.ledger.trouble)
        return Work(self._spec.name, cell, agent, agent_services, key="", parents=parents, tries=attempts)
