"""The check of a flow's conditions: whether `when` and `until` can be read, and name what there is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contract.flow import Gate, Loop, Step
from contract.record import Record
from flows.check.gate import gate_output_type
from flows.check.parameter_names import check_parameter_name
from flows.config.diagnostics import Diagnostics, closest_name, join_names
from flows.config.provenance import KeyPath
from flows.config.validate import ValidatedFlow
from flows.spec.agent_registry import AgentClass
from flows.spec.conditions import compile_condition
from flows.spec.nodes import FlowNode, gives_list
from flows.spec.output_types import UNKNOWN_TYPE, UnknownField, is_list, type_at_attributes
from flows.spec.references import RESERVED_NAMES


@dataclass(frozen=True)
class ConditionCheck:
    """Checks the conditions of one flow."""

    flow: ValidatedFlow
    agents: Mapping[str, AgentClass]
    nodes_by_name: Mapping[str, FlowNode]
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
        known = {*inputs, *RESERVED_NAMES, *self.nodes_by_name, *self.flow.dropped}
        incomplete = flow_node.path in self.flow.incomplete
        for name in sorted(condition.names - known) if not incomplete else ():
            what = f"the condition '{text}' names '{name}', which is neither an input nor a step"
            self.diagnostics.add_at(
                path, what, nearest=closest_name(name, known), todo=f"there are {join_names(known)}"
            )
        for chain in condition.attribute_chains:
            if chain[0] in known:
                self._check_attribute_chain(chain, text, path, flow_node)
        for chain in condition.numbers:
            if chain[0] in known and is_list(self._check_attribute_chain(chain, text, path, flow_node)):
                what = f"the condition '{text}' compares '{'.'.join(chain)}', which is a list, with a number"
                self.diagnostics.add_at(path, what, todo=f"write {'.'.join(chain)} | length for how many there are")

    def _check_attribute_chain(self, chain: tuple[str, ...], text: str, path: KeyPath, flow_node: FlowNode) -> Any:
        """The type of what the chain names; unknown, with a mistake, when it names nothing."""
        name, *words = chain
        if isinstance(flow_node.node, Step | Gate) and name in flow_node.node.inputs:
            agent = self.agents.get(flow_node.name)
            field = agent.Inputs.model_fields.get(name) if agent else None
            kind: Any = field.annotation if field else UNKNOWN_TYPE
        elif name == "record":
            kind = Record
        elif name in ("parameters", "previous") and not words:
            return UNKNOWN_TYPE
        elif name == "parameters":
            check_parameter_name(self.flow, self.diagnostics, words[0], path, ".".join(chain))
            return UNKNOWN_TYPE
        elif name == "previous":
            name, *words = words
            kind = self._condition_output_type(name)
        else:
            kind = self._condition_output_type(name)
        try:
            return type_at_attributes(kind, words)
        except UnknownField as error:
            near = closest_name(error.name, error.known)
            close = ".".join(near if word == error.name else word for word in chain) if near else None
            todo = (
                f"its fields are {join_names(error.known)}"
                if error.known
                else "it is a list; use a filter such as | length"
            )
            what = f"the condition '{text}': there is no field '{error.name}'"
            self.diagnostics.add_at(path, what, nearest=close, todo=todo)
            return UNKNOWN_TYPE

    def _condition_output_type(self, name: str) -> Any:
        flow_node = self.nodes_by_name.get(name)
        if flow_node and isinstance(flow_node.node, Gate) and flow_node.path not in self.flow.incomplete:
            return gate_output_type(flow_node.node)
        kind = getattr(self.agents.get(name), "Output", UNKNOWN_TYPE) if name in self.agents else UNKNOWN_TYPE
        several = flow_node and isinstance(flow_node.node, Step) and gives_list(flow_node.node)
        return tuple[kind, ...] if several and kind is not UNKNOWN_TYPE else kind
