"""The grid of a step: the cells of one record's scope (variants x groups x items x repeats)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from contract.base import JsonValue, digest
from contract.flow import Node, Step
from contract.messages import AgentInput
from flows.engine.scope import Scope
from flows.spec.cell import Cell
from flows.spec.graph import upstream


def combinations(dimensions: Mapping[str, tuple[JsonValue, ...]]) -> Iterator[dict[str, JsonValue]]:
    """Every combination of the dimensions' values, in the order in which they are written."""
    for values in product(*dimensions.values()):
        yield dict(zip(dimensions, values, strict=True))


@dataclass(frozen=True)
class RecordGroup:
    """The inputs of a node for one record, or with `group_by` for one group of a record's outputs."""

    scope: Scope
    inputs: Mapping[str, JsonValue]
    group: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])


def groups_of(node: Node, scope: Scope) -> list[Mapping[str, JsonValue]]:
    """The groups of a node for one record; one empty group without `group_by`."""
    return scope.groups(node, sorted(upstream(node))) if isinstance(node, Step) and node.group_by else [{}]


def cells_of(flow: str, name: str, step: Step, record_group: RecordGroup) -> Iterator[Cell]:
    """The step's cells for one record group."""
    for item, inputs in _items(step, record_group):
        for variant in combinations(step.variants):
            for repeat in range(step.repeats or 1):
                yield _cell(flow, name, step, record_group, {**record_group.group, **variant}, item, inputs, repeat)


def unrun_cells(flow: str, name: str, step: Step, record_group: RecordGroup) -> Iterator[Cell]:
    """The cells of a record group that does not run; one cell for all items if their number is not known."""
    whole = step if record_group.inputs.get(step.for_each or "") else step.model_copy(update={"for_each": None})
    return cells_of(flow, name, whole, record_group)


def _cell(
    flow: str,
    name: str,
    step: Step,
    record_group: RecordGroup,
    variant: dict[str, JsonValue],
    item: str | int | None,
    inputs: Mapping[str, JsonValue],
    repeat: int,
) -> Cell:
    scope = record_group.scope
    identity: list[JsonValue] = [flow, name, scope.record.record_id, variant, item, repeat, list(scope.rounds)]
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


def _items(step: Step, record_group: RecordGroup) -> Iterator[tuple[str | int | None, Mapping[str, JsonValue]]]:
    """The inputs of each item, with its name.

    The item's number stands for its name if the items are not outputs of steps, or if their names are not unique.
    """
    if step.for_each is None:
        yield None, record_group.inputs
        return
    items: Any = record_group.inputs.get(step.for_each) or []
    names: Sequence[str | int] = record_group.scope.item_names(step, record_group.group)
    if len(set(names)) != len(items):
        names = range(len(items))
    for name, item in zip(names, items, strict=True):
        yield name, {**record_group.inputs, step.for_each: item}
