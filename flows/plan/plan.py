"""Plan: the steps of a flow, their models, the least and most calls, and their price, before the flow runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from math import prod
from typing import TYPE_CHECKING

from agents.base.registry import load_agent
from agents.llms.prices import price_of
from contract.base import JsonValue
from contract.flow import FlowSpec, Gate, Loop, Node, Step
from contract.models import HostedModel
from contract.where import where_words
from flows.results.store import GCS_SCHEME
from flows.spec.conditions import compile_condition
from flows.spec.nodes import steps_of
from flows.spec.references import parse_reference, reference_texts
from flows.spec.search_steps import where_of
from flows.spec.study import Study

if TYPE_CHECKING:
    from contract.record import Record
    from flows.plan.dry_run import Forecast
    from flows.plan.pages import PlannedPages
    from flows.storage.rows import Reject

CHARACTERS_PER_TOKEN = 4
"""Rule of thumb for English prose; only the estimate of cost is based on it."""
ASSUMED_OUTPUT_TOKENS = 2048
_MOST_CELLS_COUNTED = 5_000
"""A run of more cells begins without looking up each of them: that takes about two milliseconds for one."""


@dataclass(frozen=True)
class PlannedLoop:
    """A loop of the plan, in whose rounds steps run."""

    name: str
    description: str
    max_rounds: int
    until: str | None
    max_seconds: float | None = None


@dataclass(frozen=True)
class PlannedStep:
    """One step of the plan."""

    name: str
    agent: str
    models: tuple[str, ...]
    least: int
    """Agent calls at least: 0 for what is conditional."""
    most: int
    """Agent calls at most: every round, every repeat, no re-asks."""
    condition: str | None
    asks_model: bool
    requests: int = 1
    """Model calls of one agent call at most: more for an agent that goes on from what tools return."""
    description: str = ""
    loops: tuple[PlannedLoop, ...] = ()
    """The loops that the step is in, the outermost first."""
    documents: str = ""
    """Which documents of the corpus it searches, in words; empty for all."""


@dataclass(frozen=True)
class PlannedCells:
    """The cells of one step with one model, after `plan` has looked for kept ones."""

    step: str
    model: str
    kept: int
    to_run: int
    undecided: int
    """The largest number of cells that depend on others which have yet to run."""
    skipped: int
    why: Mapping[str, int]
    """Reason to run -> cells."""
    input_tokens: int
    cost_usd: tuple[Decimal, Decimal] | None
    """Least and most for the cells to run, in US dollars; None when the model's price is not known."""


@dataclass(frozen=True)
class Plan:
    """The steps in order, and what their model calls can cost."""

    flow: str
    records: int
    steps: tuple[PlannedStep, ...]
    cost_usd: tuple[Decimal, Decimal] | None
    """Least and most, in US dollars; None when the price of a model is not known. The sum of the forecasts' where they
    cover all cells, else by a rule of thumb."""
    demonstration: bool
    """True when only embedded models are asked."""
    pages: PlannedPages | None = None
    """The pages of the web that records stand for; None where none may be fetched."""
    forecasts: tuple[PlannedCells, ...] = ()
    """Kept cells and cells to run, by step and model; empty when they were not looked up."""
    left_out: tuple[Reject, ...] = ()
    """Rows that are no records, where the plan has looked up its cells."""

    @property
    def is_counted(self) -> bool:
        """Whether the forecasts cover every cell, so that the cost is counted call by call."""
        return bool(self.forecasts) and not any(cells.undecided for cells in self.forecasts)

    @property
    def model_calls(self) -> tuple[int, int]:
        """Least and most model calls."""
        asking = [step for step in self.steps if step.asks_model]
        return sum(step.least for step in asking), sum(step.most * step.requests for step in asking)


def make_plan(study: Study, records: int = 1) -> Plan:
    """The plan of a study over that many records. Runs nothing and reads no corpus.

    Raises StorageError where records may be pages of the web and their source cannot be read.
    """
    from flows.plan.pages import planned_pages

    counts = _CellCounts(study.flow, study.request)
    steps = tuple(_planned_steps(counts, study.flow.steps.items(), records))
    kinds = {study.models[name].kind for name in study.used_models}
    return Plan(
        flow=study.flow.name,
        records=records,
        steps=steps,
        cost_usd=_cost(study, steps),
        demonstration=bool(kinds) and kinds <= {"embedded"},
        pages=planned_pages(study, _records(study)),
    )


def count_records(study: Study, on_reject: Callable[[Reject], None] = lambda _: None) -> int:
    """The number of records that the study takes. Raises StorageError when their source cannot be read."""
    return 1 if study.missing_parameters else sum(1 for _ in _records(study, on_reject))


def _records(study: Study, on_reject: Callable[[Reject], None] = lambda _: None) -> Iterator[Record]:
    from flows.engine.records import records_of

    yield from records_of(study, on_reject)


def plan_with_kept_cells(study: Study) -> Plan:
    """The plan, with every cell looked up in the kept results. Reads the records and the results, asks no model.

    For a flow that searches a corpus, no cell is looked up: the passages that it finds decide what it asks.
    """
    from flows.plan.dry_run import dry_run
    from flows.plan.pages import with_kept_pages

    left_out: list[Reject] = []
    if study.flow.corpus or study.missing_parameters:
        plan = make_plan(study, count_records(study, left_out.append))
        return replace(plan, left_out=tuple(left_out))
    records = list(with_kept_pages(study, _records(study, left_out.append)))
    cells_per_record = {step.name: step.most // max(len(step.models), 1) for step in make_plan(study).steps}
    found = dry_run(study, records, lambda step, _: cells_per_record[step])
    cells = tuple(_planned_cells(step, model, forecast) for (step, model), forecast in found.items())
    plan = replace(make_plan(study, len(records)), forecasts=cells, left_out=tuple(left_out))
    return replace(plan, cost_usd=_summed_cost(cells)) if plan.is_counted else plan


def with_counted_cost(study: Study, plan: Plan) -> Plan:
    """What a run says before it begins: the plan with kept cells, where looking them up is worth its time.

    It is where calls cost money, unless the cells are very many, or are kept in a bucket, which is slow to look into.
    """
    is_free = plan.cost_usd is not None and not plan.cost_usd[1]
    is_far = (study.run.results or "").startswith(GCS_SCHEME)
    if is_free or is_far or sum(step.most for step in plan.steps) > _MOST_CELLS_COUNTED:
        return plan
    return plan_with_kept_cells(study)


def _summed_cost(cells: Iterable[PlannedCells]) -> tuple[Decimal, Decimal] | None:
    least, most = Decimal(0), Decimal(0)
    for one in cells:
        if one.cost_usd is None:
            return None
        least, most = least + one.cost_usd[0], most + one.cost_usd[1]
    return least, most


def _planned_cells(step: str, model: str, forecast: Forecast) -> PlannedCells:
    return PlannedCells(
        step=step,
        model=model,
        kept=forecast.kept,
        to_run=forecast.to_run,
        undecided=forecast.undecided,
        skipped=forecast.skipped,
        why=dict(forecast.why.most_common()),
        input_tokens=forecast.input_tokens,
        cost_usd=None if forecast.unpriced else (forecast.low_usd, forecast.high_usd),
    )


class _CellCounts:
    """Computes the largest number of cells that a step has for one record in one round."""

    def __init__(self, flow: FlowSpec, request: Mapping[str, JsonValue]) -> None:
        self._steps = steps_of(flow)
        self._request = request

    def open_condition(self, node: Node) -> str | None:
        """The node's condition, unless the parameters alone decide it."""
        return node.when if self._decision(node) is None else None

    def leaves_out(self, node: Node) -> bool:
        """Whether the parameters alone decide that the node is skipped."""
        return self._decision(node) is False

    def _decision(self, node: Node) -> bool | None:
        condition = compile_condition(node.when) if node.when else None
        # A step that the parameters rule out is null; an input of the node may have its name, and be another value.
        inputs = () if isinstance(node, Loop) else node.inputs
        left_out = {
            name
            for name in (condition.names if condition else frozenset[str]()) - {"parameters", *inputs}
            if (step := self._steps.get(name)) and step is not node and self.leaves_out(step)
        }
        if not condition or condition.names - left_out != condition.names & {"parameters"}:
            return None
        try:
            return condition.evaluate({"parameters": self._request})
        except ValueError:
            return None

    def per_record(self, name: str) -> int:
        """The step's variants times its repeats, for each group and each item."""
        step = self._steps.get(name)
        if step is None:
            return 1
        groups = prod(self._values(dimension) for dimension in step.group_by)
        variants = prod(len(values) for values in step.variants.values())
        return variants * (step.repeats or 1) * groups * self._items(step)

    def _values(self, dimension: str) -> int:
        return max((len(step.variants.get(dimension, ())) for step in self._steps.values()), default=0) or 1

    def _items(self, step: Step) -> int:
        """The number of items of the input that `for_each` names.

        It has one item for each cell of the steps that it refers to. A list within an output counts as one item.
        """
        texts = reference_texts(step.inputs.get(step.for_each or "", ()))
        return sum(self.per_record(found) for text in texts if (found := parse_reference(text).step)) or 1


def _planned_steps(
    counts: _CellCounts, nodes: Iterable[tuple[str, Node]], records: int, loops: tuple[PlannedLoop, ...] = ()
) -> Iterator[PlannedStep]:
    for name, node in nodes:
        if counts.leaves_out(node):
            continue
        if isinstance(node, Loop):
            loop = PlannedLoop(name, node.description, node.max_rounds, node.until, node.max_seconds)
            condition = counts.open_condition(node)
            for step in _planned_steps(counts, node.loop.items(), records, (*loops, loop)):
                least = 0 if condition else step.least
                yield replace(step, condition=step.condition or condition, least=least)
        elif isinstance(node, Gate):
            most = records * prod(loop.max_rounds for loop in loops)
            yield PlannedStep(
                name, "a person is asked", (), 0, most, counts.open_condition(node), asks_model=False,
                description=node.description, loops=loops,
            )  # fmt: skip
        else:
            yield _planned_step(name, node, counts, records, loops)


def _planned_step(
    name: str, step: Step, counts: _CellCounts, records: int, loops: tuple[PlannedLoop, ...]
) -> PlannedStep:
    cells, condition = counts.per_record(name) * records, counts.open_condition(step)
    agent = load_agent(step.agent)
    optional = bool(condition or step.min_inputs or step.for_each)
    values = step.variants.get("model", (step.parameters.get("model"),))
    models = tuple(str(model) for model in values if model)
    return PlannedStep(
        name=name,
        agent=step.agent,
        models=models,
        least=0 if optional else cells,
        most=cells * prod(loop.max_rounds for loop in loops),
        condition=condition,
        asks_model="model" in agent.Parameters.model_fields and bool(models),
        requests=agent.most_model_calls({name: values[0] for name, values in _parameter_values(step).items()}),
        description=step.description,
        loops=loops,
        documents=where_words(where_of(step)),
    )


def _parameter_values(step: Step) -> Mapping[str, tuple[JsonValue, ...]]:
    return {**{name: (value,) for name, value in step.parameters.items()}, **step.variants}


def _cost(study: Study, steps: tuple[PlannedStep, ...]) -> tuple[Decimal, Decimal] | None:
    least, most = Decimal(0), Decimal(0)
    for step in steps:
        for model in step.models if step.asks_model else ():
            config = study.models[model]
            if not isinstance(config, HostedModel):
                continue
            price = price_of(config)
            if price is None:
                return None
            ceiling = (
                _input_tokens(study) * price.input_per_mtok + ASSUMED_OUTPUT_TOKENS * price.output_per_mtok
            ) / 1_000_000
            most += ceiling * step.most * step.requests / len(step.models)
    return least, most


def _input_tokens(study: Study) -> int:
    corpus = study.storage.get(study.flow.corpus or "")
    characters = getattr(corpus, "chunk_characters", 1200) * 12 + 3000
    return characters // CHARACTERS_PER_TOKEN
