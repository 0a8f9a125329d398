"""The steps of a plan: which run, with which models, and how many cells each has at least and at most."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from math import prod

from agents.base.registry import load_agent
from contract.base import JsonValue
from contract.flow import FlowSpec, Gate, Loop, Node, Step
from contract.where import where_words
from flows.spec.conditions import compile_condition
from flows.spec.nodes import steps_of
from flows.spec.references import parse_reference, reference_texts
from flows.spec.search_steps import where_of


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


def planned_steps(flow: FlowSpec, request: Mapping[str, JsonValue], records: int) -> tuple[PlannedStep, ...]:
    """The steps of the flow over that many records, without those that its parameters alone rule out."""
    return tuple(_planned_nodes(_CellCounts(flow, request), flow.steps.items(), records))


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


def _planned_nodes(
    counts: _CellCounts, nodes: Iterable[tuple[str, Node]], records: int, loops: tuple[PlannedLoop, ...] = ()
) -> Iterator[PlannedStep]:
    for name, node in nodes:
        if counts.leaves_out(node):
            continue
        if isinstance(node, Loop):
            loop = PlannedLoop(name, node.description, node.max_rounds, node.until, node.max_seconds)
            condition = counts.open_condition(node)
            for step in _planned_nodes(counts, node.loop.items(), records, (*loops, loop)):
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
