"""Scope: what is known about one record while it goes through a flow, and how references read it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from contract.base import JsonValue, thawed
from contract.flow import Gate, Step
from contract.messages import AgentTrace
from contract.record import Record
from flows.references import Reference, parse


def gives_list(step: Step) -> bool:
    """Whether later steps see a list of this step's outputs; said by the YAML, not by how many there happen to be."""
    return bool(step.variants or step.repeats or step.group_by or step.for_each)


@dataclass
class Scope:
    """One record on its way. Steps write their newest value; a skipped step leaves none."""

    record: Record
    parameters: Mapping[str, JsonValue]
    values: dict[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    """Step -> its newest output, or the list of its outputs."""
    cells: dict[str, list[AgentTrace]] = field(default_factory=dict[str, list[AgentTrace]])
    """Step -> its newest cells, the failed ones included."""
    listed: set[str] = field(default_factory=set[str])
    previous: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    """The values as they stood when the present round began."""
    turns: tuple[int, ...] = ()
    """The round of each loop that the record is in, outermost first."""

    @property
    def round(self) -> int:
        """The innermost loop's round, counted from 1; 0 outside loops."""
        return self.turns[-1] if self.turns else 0

    def next_round(self, number: int) -> Scope:
        """The same record in a loop's next turn: what it finds there is carried on, what stood before is `previous`."""
        return replace(self, previous=dict(self.values), turns=(*self.turns, number))

    def keep(self, name: str, step: Step, traces: list[AgentTrace]) -> None:
        """Takes in the cells of a step."""
        outputs = [thawed(trace.value) for trace in traces if trace.status == "completed"]
        self.cells[name] = traces
        if gives_list(step):
            self.listed.add(name)
            self.values[name] = outputs
        elif outputs:
            self.values[name] = outputs[0]

    def view(self) -> dict[str, Any]:
        """Everything that references and conditions may name."""
        return {
            "record": self.record.model_dump(mode="json"),
            "parameters": dict(self.parameters),
            "previous": self.previous,
            "round": self.round,
            **self.values,
        }

    def inputs(self, node: Step | Gate, group: Mapping[str, JsonValue] | None = None) -> dict[str, JsonValue]:
        """The node's inputs by name; `group` narrows lists to the outputs of matching variants."""
        view = self.view()
        return {name: self._input(given, view, group or {}) for name, given in node.inputs.items()}

    def _input(self, given: str | tuple[str, ...], view: dict[str, Any], group: Mapping[str, JsonValue]) -> JsonValue:
        if isinstance(given, str):
            return self._resolve(parse(given), view, group)
        joined = list[JsonValue]()
        for text in given:
            found = self._resolve(parse(text), view, group)
            joined += found if isinstance(found, list) else [] if found is None else [found]
        return joined

    def _resolve(self, reference: Reference, view: dict[str, Any], group: Mapping[str, JsonValue]) -> JsonValue:
        name = reference.step
        if reference.root != "step" or name is None or name not in self.listed:
            return reference.resolve(view)
        matching = (t for t in self.cells.get(name, []) if t.status == "completed" and _in_group(t, group))
        return [reference.resolve({name: thawed(trace.value)}) for trace in matching]

    def parents(self, names: Iterable[str]) -> tuple[str, ...]:
        """Cell ids of the newest outputs of those steps."""
        return tuple(trace.cell_id for name in names for trace in self.cells.get(name, []) if trace.value is not None)


def _in_group(trace: AgentTrace, group: Mapping[str, JsonValue]) -> bool:
    return all(trace.variant.get(dimension, value) == value for dimension, value in group.items())
