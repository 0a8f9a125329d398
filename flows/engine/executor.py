"""Runs a `FlowSpec` with Prefect. Each cell is a task run; conditions, loops and gates are child runs.

A subgraph holds the nodes of one Prefect flow run: the whole flow, or one round of a loop. A node of it runs as soon
as the nodes it needs have ended, for all the records of the batch together.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from prefect import get_run_logger
from prefect.client.schemas.objects import State
from prefect.states import Completed

from agents.base.services import AgentServices
from contract.errors import ButtermilkError
from contract.flow import FlowSpec, Gate, Loop, Node, Step
from contract.messages import AgentTrace
from flows.engine.cell_job import Attempts, CellJob, checked_cache_key
from flows.engine.edges import FinishedRun, NodeEdges
from flows.engine.forms import PrefectForms
from flows.engine.gate import gate_state, question_for, take_answer, time_limit_note, unrun_trace
from flows.engine.gather import gather_or_raise
from flows.engine.grid import RecordGroup, cells_of, groups_of, unrun_cells
from flows.engine.held_back import forget_held, hold_back, stops_waiting, wait_for_person
from flows.engine.loop_time import LoopTime, rounds_over_note
from flows.engine.node_run import NodeRun, Subgraph
from flows.engine.routing import SkipReason, loop_finished, skip_reason
from flows.engine.run_services import RunServices
from flows.engine.scope import Scope
from flows.engine.subflow import SubflowBody, run_subflow, skip_words, skipped_subflow, skipped_task_run
from flows.engine.supplied_inputs import SuppliedInputs
from flows.engine.tool_calls import StepTools
from flows.spec.cell import Cell
from flows.spec.condition_words import condition_words
from flows.spec.graph import dependencies, steps_within, upstream


class FlowExecutor:
    """Takes a batch of records through a flow, inside the current Prefect flow run."""

    def __init__(self, spec: FlowSpec, services: RunServices) -> None:
        self._spec = spec
        self._services = services
        self._supplied = SuppliedInputs(services.agents, services.tools)
        self._skip_words = dict[str, str]()

    async def run(self, scopes: Sequence[Scope]) -> None:
        """Runs all steps for those records. Writes each cell to the ledger and to its scope."""
        await self._run_subgraph(Subgraph(self._spec.steps, is_whole_run=True), scopes)

    async def run_as_subflow(self, scopes: Sequence[Scope], label: str) -> None:
        """Does the same in a child run, so that a run of many batches stays readable in the UI."""
        body = self._subflow_body(Subgraph(self._spec.steps), scopes)
        await self._run_subflow(f"{self._spec.name}.records", label, body, [])

    async def _run_subflow(
        self, name: str, label: str, body: SubflowBody, wait_for: Sequence[FinishedRun]
    ) -> FinishedRun:
        return await run_subflow(name, label, body, wait_for)

    async def _run_subgraph(self, subgraph: Subgraph, scopes: Sequence[Scope]) -> None:
        waits = dependencies(subgraph.nodes, subgraph.loop.host if subgraph.loop else None)
        done_events = {name: asyncio.Event() for name in waits}

        async def run_when_ready(name: str) -> None:
            for needed in waits[name]:
                await done_events[needed].wait()
            node_run = NodeRun(name, subgraph.loop, [subgraph.edges[needed] for needed in sorted(waits[name])])
            subgraph.edges[name] = await self._run_node(subgraph.nodes[name], node_run, scopes)
            done_events[name].set()
            if subgraph.is_whole_run and self._services.step_ended:
                self._services.step_ended(name, self._skip_words.get(name, ""))

        await gather_or_raise(run_when_ready(name) for name in waits)

    async def _run_node(self, node: Node, node_run: NodeRun, scopes: Sequence[Scope]) -> NodeEdges:
        runnable, reasons = self._split_runnable(node, node_run, scopes)
        if not runnable:
            return await self._skip_node(node, node_run, scopes, reasons)
        if isinstance(node, Loop):
            return NodeEdges(await self._run_loop(node, node_run, runnable))
        if isinstance(node, Gate):
            return NodeEdges(await self._run_gate(node, node_run, runnable))
        if node.when:
            return NodeEdges(await self._run_branch(node, node_run, runnable))
        return await self._run_step(node, node_run, runnable)

    def _split_runnable(
        self, node: Node, node_run: NodeRun, scopes: Sequence[Scope]
    ) -> tuple[list[RecordGroup], list[SkipReason]]:
        """The groups for which the node runs, and the reasons of the others, whose cells go to the ledger here."""
        runnable, reasons = list[RecordGroup](), list[SkipReason]()
        for scope in scopes:
            for record_group, why in self._record_groups(node, node_run, scope):
                if why is None:
                    runnable.append(record_group)
                else:
                    reasons.append(why if isinstance(why, SkipReason) else SkipReason(str(why)))
                    self._add_unrun_cells(node_run.name, node, record_group, why)
        return runnable, reasons

    def _record_groups(
        self, node: Node, node_run: NodeRun, scope: Scope
    ) -> Iterator[tuple[RecordGroup, SkipReason | Exception | None]]:
        """Each record group with None if it runs, a reason if it does not, or the error that prevented a decision."""
        if (held := hold_back(node_run.name, node, node_run.loop, scope)) is not None:
            yield RecordGroup(scope, {}), SkipReason(held) if isinstance(held, str) else held
            return
        groups = groups_of(node, scope)
        if isinstance(node, Step) and not groups:
            yield RecordGroup(scope, {}), SkipReason(f"there is nothing to group by {' and '.join(node.group_by)}")
        for group in groups:
            try:
                inputs = {} if isinstance(node, Loop) else scope.inputs(node, group)
                record_group = RecordGroup(
                    scope, {**self._supplied.of(node_run.name, node, node_run.loop, scope), **inputs}, group
                )
                yield record_group, skip_reason(node_run.name, node, record_group, node_run.loop)
            except ValueError as error:
                yield RecordGroup(scope, {}, group), error

    def _add_unrun_cells(self, name: str, node: Node, record_group: RecordGroup, why: SkipReason | Exception) -> None:
        """Writes the cells that do not run to the ledger: skipped with the reason, or failed if the decision failed."""
        if isinstance(node, Loop):
            for inner, child in node.loop.items():
                self._add_unrun_cells(inner, child, record_group, why)
        elif isinstance(node, Gate):
            trace = unrun_trace(self._spec.name, name, node, record_group, why)
            self._services.ledger.add(trace, fresh=True, task_run=False)
        else:
            for cell in unrun_cells(self._spec.name, name, node, record_group):
                job = self._cell_job(node, record_group, cell)
                now = datetime.now(UTC)
                trace = job.skipped_trace(why.note) if isinstance(why, SkipReason) else job.error_trace(why, now)
                self._services.ledger.add(trace, fresh=True, task_run=False)

    async def _skip_node(
        self, node: Node, node_run: NodeRun, scopes: Sequence[Scope], reasons: Sequence[SkipReason]
    ) -> NodeEdges:
        """Shows in the UI a node that no record needs."""
        wait_for = node_run.wait_for(*scopes)
        self._skip_words[node_run.name] = skip_words(reasons)
        if node.when:
            return NodeEdges(
                await skipped_subflow(f"{self._spec.name}.{node_run.name}", node_run.name, reasons, wait_for)
            )
        self._services.cell_runner.note_flow_run()
        self._services.ledger.totals.task_runs += 1
        return NodeEdges(await skipped_task_run(node_run.name, reasons, wait_for))

    async def _run_branch(self, step: Step, node_run: NodeRun, record_groups: Sequence[RecordGroup]) -> FinishedRun:
        async def body() -> State[Any]:
            await self._run_step(step, replace(node_run, upstream=()), record_groups)
            return Completed(message=f"needed, {condition_words(step.when or '')}")

        return await self._run_node_as_subflow(node_run, node_run.name, body, record_groups)

    async def _run_gate(self, gate: Gate, node_run: NodeRun, record_groups: Sequence[RecordGroup]) -> FinishedRun:
        services, flow, name = self._services, self._spec.name, node_run.name
        questions = [question_for(flow, name, gate, record_group) for record_group in record_groups]

        async def body() -> State[Any]:
            desk = services.desk
            answers = await desk.answers(questions, PrefectForms()) if desk else [None] * len(questions)
            for question, answer, record_group in zip(questions, answers, record_groups, strict=True):
                services.ledger.add(take_answer(gate, question, answer, record_group), fresh=True, task_run=False)
            if note := time_limit_note(name, gate.on_timeout, answers):
                services.ledger.note(note)
            return gate_state(answers)

        return await self._run_node_as_subflow(node_run, f"{node_run.name}, a person is asked", body, record_groups)

    async def _run_node_as_subflow(
        self, node_run: NodeRun, label: str, body: SubflowBody, record_groups: Sequence[RecordGroup]
    ) -> FinishedRun:
        wait_for = node_run.wait_for(*(record_group.scope for record_group in record_groups))
        return await self._run_subflow(f"{self._spec.name}.{node_run.name}", label, body, wait_for)

    async def _run_loop(self, loop: Loop, node_run: NodeRun, record_groups: Sequence[RecordGroup]) -> FinishedRun:
        active = [record_group.scope for record_group in record_groups]
        times = {scope.record.record_id: LoopTime(node_run.name, loop.max_seconds, scope.loop_time) for scope in active}
        wait_for, number = node_run.wait_for(*active), 0
        while active and number < loop.max_rounds:
            number += 1
            for scope in active:
                forget_held(loop, scope)
            round_scopes = [scope.next_round(number, times[scope.record.record_id]) for scope in active]
            body = self._subflow_body(Subgraph(loop.loop, loop), round_scopes)
            finished_run = await self._run_subflow(
                f"{self._spec.name}.{node_run.name}", f"{node_run.name}, round {number}", body, wait_for
            )
            wait_for = [finished_run]
            active = [
                scope
                for scope, round_scope in zip(active, round_scopes, strict=True)
                if not self._ends_here(node_run.name, round_scope, loop)
            ]
        if active and (loop.host or loop.until):
            self._services.ledger.note(rounds_over_note(node_run.name, loop.max_rounds))
        return wait_for[0]

    def _ends_here(self, name: str, scope: Scope, loop: Loop) -> bool:
        """Whether no further round begins for the record."""
        if stops_waiting(name, loop, scope) or not scope.given_up.isdisjoint(steps_within(loop)):
            return True
        is_finished = self._is_loop_finished(name, scope, loop)
        if scope.loop_time and (over := scope.loop_time.over) and (over.was_needed or not is_finished):
            self._services.ledger.note(over.note(scope.round))
            return True
        return is_finished

    def _is_loop_finished(self, name: str, scope: Scope, loop: Loop) -> bool:
        try:
            return loop_finished(scope, loop)
        except ValueError as error:
            step = next(node for node in loop.loop.values() if isinstance(node, Step))
            self._add_unrun_cells(f"{name}.until", step, RecordGroup(scope, {}), error)
            return True

    def _subflow_body(self, subgraph: Subgraph, scopes: Sequence[Scope]) -> SubflowBody:
        # A closure without parameters: Prefect would make a form of any parameters.
        async def body() -> None:
            await self._run_subgraph(subgraph, scopes)

        return body

    async def _run_step(self, step: Step, node_run: NodeRun, record_groups: Sequence[RecordGroup]) -> NodeEdges:
        edges = NodeEdges()

        async def run_record(scope: Scope, record_groups: Sequence[RecordGroup]) -> None:
            wait_for = node_run.wait_for(scope)
            flow, name = self._spec.name, node_run.name
            pairs = [(group, cell) for group in record_groups for cell in cells_of(flow, name, step, group)]
            ended = await gather_or_raise(self._run_cell(step, group, cell, wait_for) for group, cell in pairs)
            scope.add_traces(name, step, [trace for trace, _ in ended])
            if waiting := next((trace for trace, _ in ended if trace.status == "waiting"), None):
                wait_for_person(name, step, scope, waiting.error.message if waiting.error else "waits for a person")
            for _, finished_run in ended:
                if finished_run:
                    edges.add(scope, finished_run)

        by_record = groupby(record_groups, key=lambda record_group: record_group.scope.record.record_id)
        groups_by_record = [list(groups) for _, groups in by_record]
        await gather_or_raise(run_record(groups[0].scope, groups) for groups in groups_by_record)
        return edges

    async def _run_cell(
        self, step: Step, record_group: RecordGroup, cell: Cell, wait_for: Sequence[FinishedRun]
    ) -> tuple[AgentTrace, FinishedRun | None]:
        services, job = self._services, self._cell_job(step, record_group, cell)
        # Inside the slot, so that no key is computed, and no memory is used for it, long before its cell runs.
        async with services.slots, services.ledger.running(cell):
            started = datetime.now(UTC)
            try:
                job = replace(job, key=checked_cache_key(job))
            except Exception as error:
                if not isinstance(error, ButtermilkError):
                    get_run_logger().exception("The agent '%s' has a bug", step.agent)
                trace = job.error_trace(error, started)
                services.ledger.add(trace, fresh=True, task_run=False)
                return trace, None
            trace, finished_run, fresh = await services.cell_runner.run(job, wait_for)
        services.ledger.add(trace, fresh=fresh, task_run=True, task_run_id=finished_run.task_run_id)
        return trace, finished_run

    def _cell_job(self, step: Step, record_group: RecordGroup, cell: Cell) -> CellJob:
        parents = record_group.scope.parent_ids(sorted(upstream(step)), record_group.group)
        agent, agent_services = self._services.agents[step.agent], self._agent_services(cell.step, step)
        attempts = Attempts(retries=self._services.cell_runner.retries, on_retry=self._services.ledger.transient_error)
        runner = self._services.cell_runner
        return CellJob(
            self._spec.name, cell, agent, agent_services, "", parents, attempts, runner.replies,
            runner.timeout_seconds, record_group.scope.loop_time,
        )  # fmt: skip

    def _agent_services(self, name: str, step: Step) -> AgentServices:
        services, results = self._services, self._services.tool_results
        if not step.tools or results is None:
            return services.agent_services
        tools = StepTools(
            services.tools, results, services.agent_services, step, (self._spec.name, name), services.desk,
            services.ledger, services.cell_runner,
        )  # fmt: skip
        return replace(services.agent_services, tools=tools)
