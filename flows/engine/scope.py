"""Scope: the values of one record while a flow runs, and how references read them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from contract.base import JsonValue, digest, thawed
from contract.flow import Gate, Step
from contract.messages import AgentTrace
from contract.record import Record
from flows.engine.loop_time import LoopTime
from flows.spec.nodes import gives_list
from flows.spec.references import Reference, alternatives, parse_reference, reference_texts


@dataclass(frozen=True)
class CellOutput:
    """The output of one cell: its trace, and its value as plain JSON."""

    trace: AgentTrace
    value: JsonValue


@dataclass
class Scope:
    """One record and the outputs of its steps so far. A step writes its newest value; a skipped step writes none."""

    record: Record
    parameters: Mapping[str, JsonValue]
    values: dict[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    """Step -> its newest output, or the list of its outputs."""
    outputs: dict[str, list[CellOutput]] = field(default_factory=dict[str, list[CellOutput]])
    """Step -> the outputs that its value consists of."""
    traces: dict[str, list[AgentTrace]] = field(default_factory=dict[str, list[AgentTrace]])
    """Step -> its newest cells, the failed ones included."""
    list_steps: set[str] = field(default_factory=set[str])
    """Steps whose value is a list of outputs, even if it is empty."""
    waiting: dict[str, str] = field(default_factory=dict[str, str])
    """Steps and gates that wait for a person, with the reason; a record's rounds share it."""
    held: dict[str, str | Exception] = field(default_factory=dict[str, str | Exception])
    """Gates after which nothing goes on, and the steps that are held back by them, with the reason."""
    unanswered: set[str] = field(default_factory=set[str])
    """Gates that nobody answered in time, or that were not asked: no condition can decide about them."""
    given_up: set[str] = field(default_factory=set[str])
    """Gates whose time was up with `skip` or `fail`: their loop asks no more."""
    previous: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    """The values at the start of the current round."""
    rounds: tuple[int, ...] = ()
    """The round of each loop that the record is in, outermost first."""
    loop_time: LoopTime | None = None
    """The time that the record has in the innermost loop."""

    @property
    def round(self) -> int:
        """The innermost loop's round, counted from 1; 0 outside loops."""
        return self.rounds[-1] if self.rounds else 0

    def next_round(self, number: int, loop_time: LoopTime) -> Scope:
        """The same record in a loop's next round. Both scopes share `values`; `previous` holds them as they are now."""
        return replace(self, previous=dict(self.values), rounds=(*self.rounds, number), loop_time=loop_time)

    def add_traces(self, name: str, step: Step, traces: list[AgentTrace]) -> None:
        """Adds the cells of a step."""
        outputs = [CellOutput(trace, thawed(trace.value)) for trace in traces if trace.status == "completed"]
        self.traces[name] = traces
        if gives_list(step):
            self.list_steps.add(name)
            self.outputs[name], self.values[name] = outputs, [output.value for output in outputs]
        elif outputs:
            self.outputs[name], self.values[name] = outputs, outputs[0].value

    @cached_property
    def _record(self) -> dict[str, JsonValue]:
        return self.record.model_dump(mode="json")

    def context(self) -> dict[str, Any]:
        """Everything that references and conditions can name."""
        return {
            "record": self._record,
            "parameters": dict(self.parameters),
            "previous": self.previous,
            "round": self.round,
            **self.values,
        }

    def inputs(self, node: Step | Gate, group: Mapping[str, JsonValue] | None = None) -> dict[str, JsonValue]:
        """The node's inputs by name; `group` narrows lists to the outputs of matching variants."""
        context = self.context()
        return {name: self._input(references, context, group or {}) for name, references in node.inputs.items()}

    def _input(
        self, references: str | tuple[str, ...], context: dict[str, Any], group: Mapping[str, JsonValue]
    ) -> JsonValue:
        if isinstance(references, str):
            return self._first_value(references, context, group)
        joined = list[JsonValue]()
        for text in references:
            found = self._first_value(text, context, group)
            joined += found if isinstance(found, list) else [] if found is None else [found]
        return joined

    def _first_value(self, text: str, context: dict[str, Any], group: Mapping[str, JsonValue]) -> JsonValue:
        """The value of the first of the alternatives that has one, else null."""
        found = (self._resolve(parse_reference(one), context, group) for one in alternatives(text))
        return next((value for value in found if value is not None), None)

    def _resolve(self, reference: Reference, context: dict[str, Any], group: Mapping[str, JsonValue]) -> JsonValue:
        name = reference.step
        if reference.root != "step" or name is None or name not in self.list_steps:
            return reference.resolve(context)
        matching = [output for output in self.outputs.get(name, []) if _in_group(output.trace, group)]
        return [reference.resolve({name: output.value}) for output in matching]

    def item_names(self, step: Step, group: Mapping[str, JsonValue]) -> list[str]:
        """The names of the items of the step's `for_each`.

        An item is named after the output that it is, so that a failed cell does not rename the others.
        """
        texts = reference_texts(step.inputs.get(step.for_each or "", ()))
        return [name for text in texts for name in self._output_names(text, group)]

    def _output_names(self, text: str, group: Mapping[str, JsonValue]) -> Iterator[str]:
        name = parse_reference(text).step
        for output in self.outputs.get(name or "", []):
            if _in_group(output.trace, group):
                repeat = [f"repeat {output.trace.repeat + 1}"] if output.trace.repeat else []
                yield ", ".join([output.trace.step, *map(str, output.trace.variant.values()), *repeat])

    def count_inputs(self, node: Step, inputs: Mapping[str, JsonValue]) -> int:
        """How many outputs of other steps the node gets: the number that `min_inputs` is compared with.

        That is the length of the longest input that collects outputs, from a step that gives a list or from several
        references. If no input does, it is the length of the longest list among the inputs.
        """
        lists = {name: len(value) for name, value in inputs.items() if isinstance(value, list)}
        gathered = [length for name, length in lists.items() if self._collects_outputs(node.inputs.get(name, ""))]
        return max(gathered or lists.values(), default=0)

    def _collects_outputs(self, references: str | tuple[str, ...]) -> bool:
        return not isinstance(references, str) or (
            bool(references)
            and any(parse_reference(text).step in self.list_steps for text in reference_texts(references))
        )

    def groups(self, step: Step, names: Iterable[str]) -> list[Mapping[str, JsonValue]]:
        """The distinct values of the step's `group_by` dimensions among the newest cells of the steps named."""
        found = dict[str, Mapping[str, JsonValue]]()
        for trace in (trace for name in names for trace in self.traces.get(name, [])):
            if all(dimension in trace.variant for dimension in step.group_by):
                group = {dimension: trace.variant[dimension] for dimension in step.group_by}
                found.setdefault(digest(group), group)
        return list(found.values())

    def parent_ids(self, names: Iterable[str], group: Mapping[str, JsonValue]) -> tuple[str, ...]:
        """The cell ids of those outputs of the named steps that a cell of that group gets."""
        outputs = (output.trace for name in names for output in self.outputs.get(name, []))
        return tuple(trace.cell_id for trace in outputs if _in_group(trace, group))


def _in_group(trace: AgentTrace, group: Mapping[str, JsonValue]) -> bool:
    return all(trace.variant.get(dimension, value) == value for dimension, value in group.items())
