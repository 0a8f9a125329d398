"""The check of each step against its agent: parameters, variants, inputs, grouping."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from contract.base import JsonValue, canonical_json
from contract.flow import Loop, Step
from flows.config.diagnostics import Findings, listed, nearest
from flows.config.provenance import KeyPath
from flows.config.validate import ShapedFlow
from flows.spec.agent_registry import AgentClass, Registry
from flows.spec.nodes import Placed, nodes


def agents_of(flow: ShapedFlow, registry: Registry, findings: Findings) -> dict[str, AgentClass]:
    """Step -> its agent's class; agents that are unknown or cannot be imported are told."""
    found: dict[str, AgentClass] = {}
    for flow_node in nodes(flow.spec, flow.path):
        if not isinstance(flow_node.node, Step):
            continue
        name, path = flow_node.node.agent, (*flow_node.path, "agent")
        if name not in registry:
            todo = f"there are {listed(registry)}"
            findings.at(path, f"there is no agent '{name}'", nearest=nearest(name, registry), todo=todo)
            continue
        try:
            found[flow_node.name] = registry[name]
        except Exception as error:  # another package's agent may fail in any way while it is imported
            findings.at(path, f"the agent '{name}' cannot be imported: {type(error).__name__}: {error}")
    return found


@dataclass(frozen=True)
class StepCheck:
    """Checks the steps of one flow."""

    flow: ShapedFlow
    agents: Mapping[str, AgentClass]
    findings: Findings

    def check(self) -> None:
        """Puts every mistake into the findings."""
        every = list(nodes(self.flow.spec, self.flow.path))
        dimensions = {name for flow_node in every if isinstance(flow_node.node, Step) for name in flow_node.node.variants}
        loops = {flow_node.name: flow_node.node for flow_node in every if isinstance(flow_node.node, Loop)}
        for flow_node in every:
            if isinstance(flow_node.node, Step):
                self._variants(flow_node, flow_node.node)
                self._grouping(flow_node, flow_node.node, dimensions)
                if agent := self.agents.get(flow_node.name):
                    self._parameters(flow_node, flow_node.node, agent)
                    self._inputs(flow_node, flow_node.node, agent, loops.get(flow_node.loops[-1]) if flow_node.loops else None)

    def _variants(self, placed: Placed, step: Step) -> None:
        for name, values in step.variants.items():
            path = (*placed.path, "variants", name)
            if not values:
                what = f"the variants of '{name}' are empty, so '{placed.name}' would never run"
                self.findings.at(path, what, todo=f"write at least one, as {name}: [a, b]")
            seen = set[str]()
            for number, value in enumerate(values):
                key = canonical_json(value)
                if key in seen:
                    what = f"{value!r} stands twice among the variants of '{name}'"
                    self.findings.at((*path, str(number)), what, todo="write it once; for the same again, use repeats")
                seen.add(key)

    def _grouping(self, placed: Placed, step: Step, dimensions: set[str]) -> None:
        for number, name in enumerate(step.group_by):
            if name not in dimensions:
                path = (*placed.path, "group_by", str(number))
                near = nearest(name, dimensions)
                todo = f"there are {listed(dimensions)}"
                self.findings.at(path, f"no step has variants of '{name}' to group by", nearest=near, todo=todo)
        if step.for_each is not None and step.for_each not in step.inputs:
            what = f"for_each names '{step.for_each}', which is no input of '{placed.name}'"
            near = nearest(step.for_each, step.inputs)
            path = (*placed.path, "for_each")
            self.findings.at(path, what, nearest=near, todo=f"its inputs are {listed(step.inputs)}")

    def _parameters(self, placed: Placed, step: Step, agent: AgentClass) -> None:
        fixed = {name: value for name, value in step.parameters.items() if name not in step.variants}
        first = {name: values[0] for name, values in step.variants.items() if values}
        usual = {**fixed, **first}
        for name, message in _misfits(agent.Parameters, usual):
            if name in fixed:
                self._tell(placed, (*placed.path, "parameters", name), name, fixed[name], message, agent)
            elif name in first:
                self._tell(placed, (*placed.path, "variants", name, "0"), name, first[name], message, agent)
            elif not (name in step.variants or self._incomplete(placed)):
                about = agent.Parameters.model_fields[name].description or ""
                todo = f"add `{name}: …` below `parameters:`" + (
                    f" ({' '.join(about.split()).rstrip('.')})" if about else ""
                )
                self.findings.at(placed.path, f"'{placed.name}' lacks the parameter '{name}' of its agent", todo=todo)
        for name, values in step.variants.items():
            for number, value in enumerate(values[1:], start=1):
                for wrong, message in _misfits(agent.Parameters, {**usual, name: value}):
                    if wrong == name and message is not None:
                        path = (*placed.path, "variants", name, str(number))
                        self._tell(placed, path, name, value, message, agent)

    def _tell(
        self, placed: Placed, path: KeyPath, name: str, value: JsonValue, message: str | None, agent: AgentClass
    ) -> None:
        known = agent.Parameters.model_fields
        if message is None:
            what = f"the agent of '{placed.name}' has no parameter '{name}'"
            self.findings.at(path, what, nearest=nearest(name, known), todo=f"its parameters are {listed(known)}")
            return
        problem = "null, but a value is needed" if value is None else f"{value!r}, but {message}"
        what = f"the parameter '{name}' of '{placed.name}' is {problem}"
        about = known[name].description if name in known else None
        self.findings.at(
            path, what, todo=f"it is for: {' '.join(about.split()).rstrip('.')}" if about else "write another value"
        )

    def _inputs(self, placed: Placed, step: Step, agent: AgentClass, loop: Loop | None) -> None:
        known = agent.Inputs.model_fields
        for name in step.inputs:
            if name not in known:
                what = f"the agent of '{placed.name}' takes no input '{name}'"
                path = (*placed.path, "inputs", name)
                self.findings.at(path, what, nearest=nearest(name, known), todo=f"its inputs are {listed(known)}")
        # Which step a misspelt choice meant is unknown, so none of the loop's is said to lack what a host would give.
        chosen = loop is not None and (placed.name in loop.choices or not loop.loop.keys() >= set(loop.choices))
        if chosen or self._incomplete(placed):
            return
        supplied = (
            agent.supplied_inputs
            if loop is not None and (loop.host == placed.name or loop.host not in loop.loop)
            else frozenset[str]()
        )
        for name, field in known.items():
            if field.is_required() and name not in step.inputs and name not in supplied:
                what = f"'{placed.name}' lacks the input '{name}' of its agent"
                self.findings.at(placed.path, what, todo=f"add `{name}: <step or parameters.…>` below `inputs:`")

    def _incomplete(self, placed: Placed) -> bool:
        return placed.path in self.flow.incomplete


def _misfits(model: type[BaseModel], values: Mapping[str, Any]) -> Iterator[tuple[str, str | None]]:
    """Field -> what is wrong with its value; None as the message when there is no such field."""
    try:
        model.model_validate(values)
    except ValidationError as error:
        for misfit in error.errors(include_url=False, include_input=False, include_context=False):
            name = str(misfit["loc"][0]) if misfit["loc"] else ""
            message = misfit["msg"].replace("Input should be", "it should be").removeprefix("Value error, ")
            yield name, None if misfit["type"] == "extra_forbidden" else message[:1].lower() + message[1:]
