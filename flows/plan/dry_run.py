"""Dry run: goes through a study's steps without asking a model, to find which cells are kept and which would run.

Kept cells are read back, and what follows from them is decided as in a run. A cell that depends on one that is not
kept stays undecided; undecided cells are counted at their maximum.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from agents.base.services import AgentServices
from agents.base.structured_agent import StructuredAgent
from agents.llms.factory import ModelRegistry, WrapperOptions
from agents.llms.prices import cost_of, price_of, worst_case
from agents.llms.reply_cache import CachedReplies
from agents.prompting.criteria import Criteria
from agents.prompting.templates import Prompts
from contract.base import JsonValue, digest
from contract.calls import ModelReply, ModelRequest, Usage
from contract.errors import ButtermilkError
from contract.flow import Gate, Loop, Node, Step
from contract.messages import AgentTrace
from contract.record import Record
from contract.tools import AgentToolDefinition
from flows.accounting.ledger import Ledger
from flows.engine.cell import CellRunner
from flows.engine.cell_job import CellJob, checked_cache_key
from flows.engine.edges import FinishedRun, NodeEdges
from flows.engine.executor import FlowExecutor
from flows.engine.grid import RecordGroup
from flows.engine.node_run import NodeRun, Subgraph
from flows.engine.routing import SkipReason
from flows.engine.run_services import RunServices
from flows.engine.scope import Scope
from flows.engine.subflow import SubflowBody
from flows.plan.earlier_run import EarlierRun
from flows.results.cells import read_cell
from flows.results.open import result_store
from flows.results.replies import ResultReplyStore
from flows.results.store import ResultStore
from flows.results.tool_lists import kept_tool_list
from flows.run_folder.texts import parameter_values
from flows.server.interrupt import interrupts
from flows.spec.agent_registry import load_agents
from flows.spec.cell import Cell
from flows.spec.graph import required_steps, steps_within, upstream
from flows.spec.nodes import steps_of
from flows.spec.study import Study
from flows.spec.tool_registry import StepTool, installed_step_tools, server_of, used_tools

CHARACTERS_PER_TOKEN = 4
"""Rule of thumb for English prose; only the lower estimate of cost is based on it."""
DEFAULT_REPLY_TOKENS = 100
"""Tokens of a reply in the lower estimate of cost, where no kept reply gives an average."""


@dataclass
class Forecast:
    """What would happen to the cells of one step with one model."""

    kept: int = 0
    """Cells that are kept, or whose replies are."""
    to_run: int = 0
    undecided: int = 0
    """The largest number of cells that depend on others which have yet to run."""
    skipped: int = 0
    why: Counter[str] = field(default_factory=Counter[str])
    """Reason to run -> number of cells."""
    versions: Counter[str] = field(default_factory=Counter[str])
    """The version that the service names -> kept cells of it."""
    input_tokens: int = 0
    """Input tokens of the cells to run, by rule of thumb."""
    output_tokens_kept: int = 0
    low_usd: Decimal = Decimal(0)
    high_usd: Decimal = Decimal(0)
    unpriced: bool = False
    """True where cells would run on a model whose price is not known."""

    @property
    def average_reply_tokens(self) -> int:
        """The average tokens of this step and model's kept replies, or a default when none is kept."""
        return self.output_tokens_kept // self.kept if self.output_tokens_kept else DEFAULT_REPLY_TOKENS


Forecasts = dict[tuple[str, str], Forecast]
"""(step, model) -> its forecast; the model is empty for agents that ask none."""


def dry_run(study: Study, records: Sequence[Record], max_cells_per_record: Callable[[str, str], int]) -> Forecasts:
    """Forecasts what a run over those records would do now. Asks no model, starts no server, writes nothing.

    `max_cells_per_record` takes a step and a model, and returns the largest number of cells that one record can have.
    """
    store = result_store(study.run.results)
    replies = ResultReplyStore(store, again=study.run.again == "refused", read_only=True)
    models = ModelRegistry(study.models, WrapperOptions(replies))
    agent_services = AgentServices(models, Prompts(study.folders), None, Criteria(study.folders))
    services = RunServices(
        agent_services=agent_services,
        agents=load_agents(study.flow),
        cell_runner=CellRunner(study.run),
        ledger=_SkipCounter(),
        slots=asyncio.Semaphore(study.run.concurrency),
        tools={**installed_step_tools(study.flow), **_outside_tools(study, store)},
    )
    earlier = EarlierRun.latest(study)
    executor = _DryRun(study, services, store, earlier, max_cells_per_record)
    asyncio.run(executor.run_all(records))
    return executor.forecasts


def _outside_tools(study: Study, store: ResultStore) -> dict[str, StepTool]:
    """The tools of outside servers as they last were. A server that was never reached has no kept cells, either."""
    known: dict[str, AgentToolDefinition] = {}
    for name, server in study.tool_servers.items():
        kept = kept_tool_list(store, digest([name, server.config.identity, server.config.allow])) or ()
        known |= {one.name: one for one in kept}
    unknown = {name: AgentToolDefinition(name=name, description="", input_schema={}) for name in used_tools(study.flow)}
    return {name: StepTool({**unknown, **known}[name], _uncallable) for name in unknown if server_of(name)}


async def _uncallable(arguments: Mapping[str, JsonValue], services: AgentServices) -> JsonValue:  # noqa: ARG001
    raise AssertionError("a dry run calls no tool")


class _SkipCounter(Ledger):
    """A ledger that counts the cells of skipped steps, and writes nothing."""

    def __init__(self) -> None:
        super().__init__(Path())
        self.skipped = Counter[tuple[str, str]]()

    def add(
        self,
        trace: AgentTrace,
        *,
        fresh: bool,  # noqa: ARG002
        task_run: bool,  # noqa: ARG002
        task_run_id: UUID | None = None,  # noqa: ARG002
    ) -> None:
        """Counts the cell."""
        self.skipped[trace.step, _model_of(trace)] += 1


class _DryRun(FlowExecutor):
    def __init__(
        self,
        study: Study,
        services: RunServices,
        results: ResultStore,
        earlier: EarlierRun | None,
        max_cells_per_record: Callable[[str, str], int],
    ) -> None:
        super().__init__(study.flow, services)
        self._study = study
        self._results = results
        self._earlier = earlier
        self._max_cells_per_record = max_cells_per_record
        self._undecided_steps: dict[str, set[str]] = {}
        """Record id -> steps with cells that have yet to run."""
        self.forecasts: Forecasts = {}

    async def run_all(self, records: Sequence[Record]) -> None:
        """Goes through the steps with every record, a batch at a time."""
        size = self._study.run.batch
        for start in range(0, len(records), size):
            scopes = [Scope(record, self._study.request) for record in records[start : start + size]]
            await self._run_subgraph(Subgraph(self._spec.steps), scopes)
            self._undecided_steps.clear()
            # In a cell, an interrupt may have become an error that counts as the cell's.
            interrupts.raise_if_any()
        for (step, model), number in self._skipped().items():
            self._forecast(step, model).skipped = number

    def _skipped(self) -> Counter[tuple[str, str]]:
        ledger = self._services.ledger
        return ledger.skipped if isinstance(ledger, _SkipCounter) else Counter()

    def _forecast(self, step: str, model: str) -> Forecast:
        return self.forecasts.setdefault((step, model), Forecast())

    def _split_runnable(
        self, node: Node, node_run: NodeRun, scopes: Sequence[Scope]
    ) -> tuple[list[RecordGroup], list[SkipReason]]:
        decided = list[Scope]()
        for scope in scopes:
            if self._is_undecided(node, scope):
                self._mark_undecided(node_run.name, node, scope)
            else:
                decided.append(scope)
        return super()._split_runnable(node, node_run, decided)

    def _is_undecided(self, node: Node, scope: Scope) -> bool:
        named = required_steps(node) if isinstance(node, Loop) else required_steps(node) | upstream(node)
        return bool(named & self._undecided_steps.get(scope.record.record_id, set()))

    def _mark_undecided(self, name: str, node: Node, scope: Scope) -> None:
        names = [name, *steps_within(node)] if isinstance(node, Loop) else [name]
        self._undecided_steps.setdefault(scope.record.record_id, set()).update(names)
        for step, model in self._steps_and_models(names):
            self._forecast(step, model).undecided += self._max_cells_per_record(step, model)

    def _steps_and_models(self, names: Sequence[str]) -> list[tuple[str, str]]:
        steps = steps_of(self._spec)
        return [
            (name, model) for name in names if name in steps for model in parameter_values(steps[name], "model") or [""]
        ]

    def _is_loop_finished(self, name: str, scope: Scope, loop: Loop) -> bool:
        if self._undecided_steps.get(scope.record.record_id, set()) & set(steps_within(loop)):
            return True
        return super()._is_loop_finished(name, scope, loop)

    async def _skip_node(
        self,
        node: Node,  # noqa: ARG002
        node_run: NodeRun,  # noqa: ARG002
        scopes: Sequence[Scope],  # noqa: ARG002
        reasons: Sequence[SkipReason],  # noqa: ARG002
    ) -> NodeEdges:
        return NodeEdges()

    async def _run_gate(self, gate: Gate, node_run: NodeRun, record_groups: Sequence[RecordGroup]) -> FinishedRun:
        for record_group in record_groups:
            self._mark_undecided(node_run.name, gate, record_group.scope)
        return FinishedRun()

    async def _run_subflow(
        self,
        name: str,  # noqa: ARG002
        label: str,  # noqa: ARG002
        body: SubflowBody,
        wait_for: Sequence[FinishedRun],  # noqa: ARG002
    ) -> FinishedRun:
        await body()
        return FinishedRun()

    async def _run_cell(
        self,
        step: Step,
        record_group: RecordGroup,
        cell: Cell,
        wait_for: Sequence[FinishedRun],  # noqa: ARG002
    ) -> tuple[AgentTrace, FinishedRun | None]:
        job = self._cell_job(step, record_group, cell)
        try:
            if not job.agent.cached:
                return job.output_trace(
                    await job.agent.process(cell.input, job.agent_services), datetime.now(UTC)
                ), None
            key = checked_cache_key(job)
        except ButtermilkError as error:
            return job.error_trace(error, datetime.now(UTC)), None
        kept = read_cell(self._results, key, again=self._study.run.again == "refused")
        if kept is None:
            return await self._forecast_cell(job, record_group.scope, key), None
        forecast = self._forecast(cell.step, _model_of(kept))
        forecast.kept += 1
        forecast.output_tokens_kept += kept.usage.output_tokens if kept.usage else 0
        forecast.versions.update(_version_of([call.reply for call in kept.calls]))
        return job.with_current_names(kept), None

    async def _forecast_cell(self, job: CellJob, scope: Scope, key: str) -> AgentTrace:
        name = job.cell.step
        self._undecided_steps.setdefault(scope.record.record_id, set()).add(name)
        model = str(job.cell.input.parameters.get("model") or "")
        forecast = self._forecast(name, model)
        agent: Any = job.agent
        if isinstance(agent, StructuredAgent):
            request = agent.request(job.cell.input, job.agent_services)
            asked = job.agent_services.models.get(model)
            requests = agent.most_requests(job.cell.input, job.agent_services)
            reply = await asked.kept(request) if len(requests) == 1 and isinstance(asked, CachedReplies) else None
            if reply:
                forecast.kept += 1
                forecast.versions.update(_version_of([reply]))
                return job.skipped_trace("its reply is kept")
            for one in requests:
                self._add_cost(forecast, model, one)
        forecast.to_run += 1
        forecast.why[self._earlier.reason_to_run(job.cell, key) if self._earlier else "never run before"] += 1
        return job.skipped_trace("has yet to run")

    def _add_cost(self, forecast: Forecast, model: str, request: ModelRequest) -> None:
        config = self._study.models[model]
        tokens = sum(len(message.text) for message in request.messages) // CHARACTERS_PER_TOKEN
        forecast.input_tokens += tokens
        price = price_of(config)
        if price is None:
            forecast.unpriced = True
            return
        forecast.low_usd += cost_of(price, Usage(input_tokens=tokens, output_tokens=forecast.average_reply_tokens))
        forecast.high_usd += worst_case(price, config, request)


def _version_of(replies: Sequence[ModelReply | None]) -> list[str]:
    """The version that gave the last of the replies; none where the service names none."""
    named = [reply.served_by for reply in replies if reply and reply.served_by]
    return named[-1:]


def _model_of(trace: AgentTrace) -> str:
    return str(trace.input.parameters.get("model") or "")
