"""The check of a flow's conditions: whether `when` and `until` can be read, and name what there is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from jinja2.nodes import Getattr, Getitem, Node

from contract.flow import Gate, Loop, Step
from contract.record import Record
from flows.check.parameter_names import check_parameter_name
from flows.check.step_types import StepTypes
from flows.config.diagnostics import Diagnostics, closest_name, join_names, there_are
from flows.config.provenance import KeyPath
from flows.config.validate import ValidatedFlow
from flows.spec.conditions import Condition, compile_condition
from flows.spec.expression_texts import dotted, optional_names, written
from flows.spec.expression_types import ExpressionWalk, WrongName, name_types
from flows.spec.nodes import FlowNode
from flows.spec.output_types import UNKNOWN_TYPE, Fields, is_list
from flows.spec.references import RESERVED_NAMES


@dataclass(frozen=True)
class ConditionCheck:
    """Checks the conditions of one flow."""

    flow: ValidatedFlow
    types: StepTypes
    diagnostics: Diagnostics

    def check(self, flow_node: FlowNode, key: str) -> None:
        """Adds the mistakes in the condition under `key`, if there is one, to the diagnostics."""
        text = getattr(flow_node.node, key)
        if not text:
            return
        path = (*flow_node.path, key)
        try:
            condition = compile_condition(text)
        except ValueError as error:
            todo = "write for example: answers | length >= 2 and not record.ground_truth"
            self.diagnostics.add_at(path, str(error), todo=todo)
            return
        inputs = () if isinstance(flow_node.node, Loop) else tuple(flow_node.node.inputs)
        known = {*inputs, *RESERVED_NAMES, *self.types.nodes_by_name, *self.flow.dropped}
        incomplete = flow_node.path in self.flow.incomplete
        for name in sorted(condition.names - known) if not incomplete else ():
            what = f"the condition '{text}' names '{name}', which is neither an input nor a step"
            self.diagnostics.add_at(path, what, nearest=closest_name(name, known), todo=there_are(known))
        self._check_fields(condition, path, flow_node)

    def _check_fields(self, condition: Condition, path: KeyPath, flow_node: FlowNode) -> None:
        """Reports the names that no value in the condition can have, and lists where numbers are meant."""
        types = name_types([condition.tree], self._declared(flow_node, condition))
        walk = ExpressionWalk(types, {*optional_names(condition.tree)})
        walk.visit(condition.tree)
        for wrong in walk.found.values():
            self._report(wrong, condition, path)
        for part in condition.numbers:
            if is_list(walk.type_of(part)):
                chain = written(part)
                what = f"the condition '{condition.text}' compares '{chain}', which is a list, with a number"
                self.diagnostics.add_at(path, what, todo=f"write {chain} | length for how many there are")
        for name, chain in _parameters(condition.tree):
            check_parameter_name(self.flow, self.diagnostics, name, path, chain)
        if "previous" in condition.names and not (flow_node.loops or isinstance(flow_node.node, Loop)):
            what = f"the condition '{condition.text}': there is no turn before, since '{flow_node.name}' is in no loop"
            self.diagnostics.add_at(path, what, todo="leave `previous.` out")

    def _declared(self, flow_node: FlowNode, condition: Condition) -> dict[str, Any]:
        return {name: self._type_of(name, flow_node) for name in condition.names}

    def _type_of(self, name: str, flow_node: FlowNode) -> Any:
        node = flow_node.node
        if isinstance(node, Step | Gate) and name in node.inputs:
            return self.types.input(flow_node, name)
        if name == "record":
            return Record
        if name == "previous":
            steps = {step: self.types.value(step) for step in self.types.nodes_by_name}
            return Fields({**dict.fromkeys(self.flow.dropped, UNKNOWN_TYPE), **steps})
        return self.types.value(name)

    def _report(self, wrong: WrongName, condition: Condition, path: KeyPath) -> None:
        what = f"the condition '{condition.text}': there is no field '{wrong.name}'"
        if wrong.kind is UNKNOWN_TYPE:
            todo = "names that begin with two underscores are closed to conditions"
        elif wrong.known:
            todo = f"its fields are {join_names(wrong.known)}"
        elif is_list(wrong.kind):
            todo = "it is a list; use a filter such as | length"
        else:
            todo = "it has no fields"
        self.diagnostics.add_at(path, what, nearest=wrong.with_name(closest_name(wrong.name, wrong.known)), todo=todo)


def _parameters(tree: Node) -> Iterator[tuple[str, str]]:
    """The flow's parameters that it names: each with the chain as it stands."""
    for node in tree.find_all((Getattr, Getitem)):
        chain = dotted(node) or ""
        if chain.startswith("parameters.") and chain.count(".") == 1:
            yield chain.partition(".")[2], chain
