"""The types of what the steps of a flow give and take, as far as they are known before a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contract.flow import Gate, Step
from contract.record import Record
from flows.check.gate import gate_output_type
from flows.config.validate import ValidatedFlow
from flows.spec.agent_registry import AgentClass
from flows.spec.nodes import FlowNode, gives_list
from flows.spec.output_types import (
    UNKNOWN_TYPE,
    UnknownField,
    common_type,
    is_list,
    is_open,
    item_type,
    list_type,
    type_at_path,
)
from flows.spec.references import Reference, alternatives, parse_reference


@dataclass(frozen=True)
class StepTypes:
    """The types of the values that pass between the steps of one flow."""

    flow: ValidatedFlow
    agents: Mapping[str, AgentClass]
    """Step -> its agent's class, where it could be loaded."""
    nodes_by_name: Mapping[str, FlowNode]

    def output(self, name: str) -> Any:
        """The type of one output of the step or gate."""
        flow_node = self.nodes_by_name.get(name)
        if flow_node and isinstance(flow_node.node, Gate) and flow_node.path not in self.flow.incomplete:
            return gate_output_type(flow_node.node)
        agent = self.agents.get(name)
        return getattr(agent, "Output", UNKNOWN_TYPE) if agent else UNKNOWN_TYPE

    def value(self, name: str) -> Any:
        """The type of what the step's name stands for: its output, or the list of its outputs."""
        kind = self.output(name)
        return list_type(kind) if self._gives_list(name) else kind

    def declared_input(self, flow_node: FlowNode, name: str) -> Any:
        """The type that the step's agent declares for the input."""
        agent = self.agents.get(flow_node.name)
        field = agent.Inputs.model_fields.get(name) if agent else None
        return field.annotation if field else UNKNOWN_TYPE

    def input(self, flow_node: FlowNode, name: str) -> Any:
        """The type of the input: as the agent declares it, and where that may be anything, of what the flow wires."""
        declared = self.declared_input(flow_node, name)
        return self.wired(flow_node, name) if is_open(declared) else declared

    def wired(self, flow_node: FlowNode, name: str) -> Any:
        """The type of what the flow wires to the input."""
        node = flow_node.node
        references = node.inputs.get(name) if isinstance(node, Step | Gate) else None
        if references is None:
            return UNKNOWN_TYPE
        kind = self._joined(references)
        return item_type(kind) if isinstance(node, Step) and node.for_each == name else kind

    def _joined(self, references: str | tuple[str, ...]) -> Any:
        """As a run joins them: a list of references gives one list of all that they name."""
        if isinstance(references, str):
            return common_type([self._at(one) for one in alternatives(references)])
        kinds = [self._joined(text) for text in references]
        return list_type(common_type([item_type(kind) if is_list(kind) else kind for kind in kinds]))

    def _at(self, text: str) -> Any:
        try:
            reference = parse_reference(text)
            return self._type_of(reference)
        except (ValueError, UnknownField):  # where the reference stands, it is reported
            return UNKNOWN_TYPE

    def _type_of(self, reference: Reference) -> Any:
        if reference.root == "record":
            return type_at_path(Record, reference.path)
        if reference.step is None:
            return UNKNOWN_TYPE
        if reference.root == "previous":
            return UNKNOWN_TYPE if self._gives_list(reference.step) else self._path(reference)
        kind = self._path(reference)
        return list_type(kind) if self._gives_list(reference.step) else kind

    def _path(self, reference: Reference) -> Any:
        return type_at_path(self.output(reference.step or ""), reference.path)

    def _gives_list(self, name: str) -> bool:
        flow_node = self.nodes_by_name.get(name)
        return bool(flow_node and isinstance(flow_node.node, Step) and gives_list(flow_node.node))
