"""The grid of a step: from one record's scope to its cells (variants x groups x items x repeats)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from contract.base import JsonValue, digest
from contract.flow import Step
from contract.messages import AgentInput
from flows.scope import Scope


@dataclass(frozen=True)
class Cell:
    """One agent call that is to be made, with the names that stay the same from run to run."""

    cell_id: str
    step: str
    agent: str
    variant: Mapping[str, JsonValue]
    variant_id: str
    repeat: int
    round: int
    input: AgentInput

    @property
    def label(self) -> str:
        """The task run's name in the UI: agent, model or variant, record."""
        words = [self.agent, *(_short(value) for value in self.variant.values()), self.input.record.record_id]
        turn = [f"round {self.round}"] if self.round else []
        again = [f"repeat {self.repeat + 1}"] if self.repeat else []
        return " · ".join([*words, *turn, *again])


def _short(value: JsonValue) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:39]}…"


def combinations(dimensions: Mapping[str, tuple[JsonValue, ...]]) -> Iterator[dict[str, JsonValue]]:
    """Every combination of the dimensions' values, in the order in which they are written."""
    for values in product(*dimensions.values()):
        yield dict(zip(dimensions, values, strict=True))


def cells_of(
    flow: str, name: str, step: Step, scope: Scope, extra: Mapping[str, JsonValue] | None = None
) -> Iterator[Cell]:
    """The step's cells for one record. `extra` are inputs from elsewhere: a host's arguments, a loop's tools."""
    for group in _groups(step, scope):
        inputs = {**scope.inputs(step, group), **(extra or {})}
        for item_number, given in _items(step, inputs):
            for variant in combinations(step.variants):
                for repeat in range(step.repeats or 1):
                    yield _cell(flow, name, step, scope, {**group, **variant}, item_number, given, repeat)


def _cell(
    flow: str,
    name: str,
    step: Step,
    scope: Scope,
    variant: dict[str, JsonValue],
    item: int | None,
    inputs: dict[str, JsonValue],
    repeat: int,
) -> Cell:
    identity: list[JsonValue] = [flow, name, scope.record.record_id, variant, item, repeat, list(scope.turns)]
    chosen = {key: value for key, value in variant.items() if key in step.variants}
    return Cell(
        cell_id=digest(identity),
        step=name,
        agent=step.agent,
        variant=variant if item is None else {**variant, str(step.for_each): item},
        variant_id=digest([name, variant, item])[:12],
        repeat=repeat,
        round=scope.round,
        input=AgentInput(record=scope.record, inputs=inputs, parameters={**step.parameters, **chosen}, repeat=repeat),
    )


def _groups(step: Step, scope: Scope) -> list[dict[str, JsonValue]]:
    """The distinct values of the `group_by` dimensions among the cells that the step reads."""
    if not step.group_by:
        return [{}]
    found = dict[str, dict[str, JsonValue]]()
    for traces in scope.cells.values():
        for trace in traces:
            if all(dimension in trace.variant for dimension in step.group_by):
                group: dict[str, JsonValue] = {dimension: trace.variant[dimension] for dimension in step.group_by}
                found.setdefault(digest(group), group)
    return list(found.values())


def _items(step: Step, inputs: dict[str, JsonValue]) -> Iterator[tuple[int | None, dict[str, JsonValue]]]:
    if step.for_each is None:
        yield None, inputs
        return
    items: Any = inputs.get(step.for_each) or []
    for number, item in enumerate(items):
        yield number, {**inputs, step.for_each: item}


def listed_inputs(inputs: Mapping[str, JsonValue]) -> int:
    """How many items the longest list among the inputs that name steps holds; what `min_inputs` is about."""
    return max((len(value) for value in inputs.values() if isinstance(value, list)), default=0)
