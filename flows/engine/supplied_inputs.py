"""Inputs that no reference names: the tools of a step, and what a loop gives its host and the step that it chose."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from agents.base.agent import Agent
from contract.base import JsonValue, canonical_json
from contract.flow import Loop, Node, Step
from contract.tools import AgentToolDefinition
from flows.engine.routing import host_request
from flows.engine.scope import Scope
from flows.spec.tool_registry import StepTool

_ENDED_WELL = frozenset({"completed", "skipped"})


@dataclass(frozen=True)
class SuppliedInputs:
    """Supplies the inputs of the steps of a run from its agents and tools."""

    agents: Mapping[str, Agent[Any, Any]]
    tools: Mapping[str, StepTool]

    def of(self, name: str, node: Node, loop: Loop | None, scope: Scope) -> dict[str, JsonValue]:
        """The inputs of the node `name`, which may be in a loop."""
        if not isinstance(node, Step):
            return {}
        own = self._tools_of(node) if node.tools else {}
        if loop is None or loop.host is None:
            return own
        if name == loop.host:
            return self._of_host(node, loop, scope) | own
        request = host_request(scope, loop)
        return {**(request["inputs"] if request and name in loop.choices else {}), **own}

    def _of_host(self, host: Step, loop: Loop, scope: Scope) -> dict[str, JsonValue]:
        steps = {name: node for name in loop.choices if isinstance(node := loop.loop[name], Step)}
        supplied: dict[str, JsonValue] = {
            "tools": [self._choice(name, step).model_dump(mode="json") for name, step in steps.items()],
            "round": scope.round,
        }
        # Left out where there are none, so that a cell whose steps all succeeded keeps its key.
        if failures := list(_failures(steps, scope)):
            supplied["failures"] = failures
        wanted = self.agents[host.agent].supplied_inputs
        return {name: value for name, value in supplied.items() if name in wanted}

    def _choice(self, name: str, step: Step) -> AgentToolDefinition:
        agent = self.agents[step.agent]
        return agent.tool_definition(name, step.description or name, frozenset(step.inputs) | agent.supplied_inputs)

    def _tools_of(self, step: Step) -> dict[str, JsonValue]:
        definitions: list[JsonValue] = [self.tools[name].definition.model_dump(mode="json") for name in step.tools]
        return {"tools": definitions, "approve": list(step.approve)}


def _failures(steps: Mapping[str, Step], scope: Scope) -> Iterator[JsonValue]:
    """What the newest cells of the steps asked for and why they brought nothing."""
    for name, step in steps.items():
        for trace in scope.traces.get(name, []):
            if trace.status not in _ENDED_WELL:
                asked = {one: value for one, value in trace.input.inputs.items() if one not in step.inputs}
                reason = (trace.error.message if trace.error else trace.note) or trace.status
                yield f"{name} {canonical_json(asked)}: {reason}"
