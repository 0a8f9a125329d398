"""Lists every value that the parameters of a step may take."""

from __future__ import annotations

from collections.abc import Iterator

from contract.base import JsonValue
from contract.flow import Step
from flows.config.provenance import KeyPath
from flows.spec.agent_registry import AgentClass
from flows.spec.nodes import FlowNode


def all_parameter_values(
    flow_node: FlowNode, step: Step, agent: AgentClass
) -> Iterator[tuple[str, JsonValue, KeyPath]]:
    """Every value that a parameter may take: the agent's default, the step's value, each variant."""
    for name, declared in agent.Parameters.model_fields.items():
        if name in step.variants:
            for number, value in enumerate(step.variants[name]):
                yield name, value, (*flow_node.path, "variants", name, str(number))
        elif name in step.parameters:
            step_value = step.parameters[name]
            path = (*flow_node.path, "parameters", name)
            if isinstance(step_value, list):
                yield from ((name, value, (*path, str(number))) for number, value in enumerate(step_value))
            else:
                yield name, step_value, path
        elif isinstance(declared.default, str):
            yield name, declared.default, flow_node.path
