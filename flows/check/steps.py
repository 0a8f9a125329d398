"""The check of each step against its agent: parameters, variants, inputs, grouping."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from contract.base import JsonValue, canonical_json
from contract.flow import Loop, Step
from flows.config.diagnostics import Diagnostics, closest_name, join_names, there_are
from flows.config.plain_words import plain_message
from flows.config.provenance import KeyPath
from flows.config.truth_values import numbers_from_truth
from flows.config.validate import ValidatedFlow
from flows.spec.agent_registry import AgentClass, AgentRegistry
from flows.spec.nodes import FlowNode, walk_nodes


def agent_classes_of(flow: ValidatedFlow, registry: AgentRegistry, diagnostics: Diagnostics) -> dict[str, AgentClass]:
    """Step -> its agent's class; agents that are unknown or cannot be imported are reported."""
    found: dict[str, AgentClass] = {}
    for flow_node in walk_nodes(flow.spec, flow.path):
        if not isinstance(flow_node.node, Step):
            continue
        name, path = flow_node.node.agent, (*flow_node.path, "agent")
        if name not in registry:
            todo = there_are(registry)
            diagnostics.add_at(path, f"there is no agent '{name}'", nearest=closest_name(name, registry), todo=todo)
            continue
        try:
            found[flow_node.name] = registry[name]
        except Exception as error:  # another package's agent may fail in any way while it is imported
            diagnostics.add_at(path, f"the agent '{name}' cannot be imported: {type(error).__name__}: {error}")
    return found


@dataclass(frozen=True)
class StepCheck:
    """Checks the steps of one flow."""

    flow: ValidatedFlow
    agents: Mapping[str, AgentClass]
    diagnostics: Diagnostics

    def check(self) -> None:
        """Adds every mistake to the diagnostics."""
        every = list(walk_nodes(self.flow.spec, self.flow.path))
        dimensions = {
            name for flow_node in every if isinstance(flow_node.node, Step) for name in flow_node.node.variants
        }
        loops = {flow_node.name: flow_node.node for flow_node in every if isinstance(flow_node.node, Loop)}
        for flow_node in every:
            if isinstance(flow_node.node, Step):
                self._check_variants(flow_node, flow_node.node)
                self._check_grouping(flow_node, flow_node.node, dimensions)
                if agent := self.agents.get(flow_node.name):
                    self._check_parameters(flow_node, flow_node.node, agent)
                    self._check_inputs(
                        flow_node, flow_node.node, agent, loops.get(flow_node.loops[-1]) if flow_node.loops else None
                    )

    def _check_variants(self, flow_node: FlowNode, step: Step) -> None:
        for name, values in step.variants.items():
            path = (*flow_node.path, "variants", name)
            if not values:
                what = f"the variants of '{name}' are empty, so '{flow_node.name}' would never run"
                self.diagnostics.add_at(path, what, todo=f"write at least one, as {name}: [a, b]")
            seen = set[str]()
            for number, value in enumerate(values):
                key = canonical_json(value)
                if key in seen:
                    what = f"{value!r} appears twice among the variants of '{name}'"
                    self.diagnostics.add_at(
                        (*path, str(number)), what, todo="write it once; for the same again, use repeats"
                    )
                seen.add(key)

    def _check_grouping(self, flow_node: FlowNode, step: Step, dimensions: set[str]) -> None:
        for number, name in enumerate(step.group_by):
            if name not in dimensions:
                path = (*flow_node.path, "group_by", str(number))
                near = closest_name(name, dimensions)
                todo = there_are(dimensions)
                self.diagnostics.add_at(path, f"no step has variants of '{name}' to group by", nearest=near, todo=todo)
        if step.for_each is not None and step.for_each not in step.inputs:
            what = f"for_each names '{step.for_each}', which is no input of '{flow_node.name}'"
            near = closest_name(step.for_each, step.inputs)
            path = (*flow_node.path, "for_each")
            self.diagnostics.add_at(path, what, nearest=near, todo=f"its inputs are {join_names(step.inputs)}")

    def _check_parameters(self, flow_node: FlowNode, step: Step, agent: AgentClass) -> None:
        fixed = {name: value for name, value in step.parameters.items() if name not in step.variants}
        first = {name: values[0] for name, values in step.variants.items() if values}
        usual = {**fixed, **first}
        for name, message in _validation_problems(agent.Parameters, usual):
            if name in fixed:
                self._report_parameter(
                    flow_node, (*flow_node.path, "parameters", name), name, fixed[name], message, agent
                )
            elif name in first:
                self._report_parameter(
                    flow_node, (*flow_node.path, "variants", name, "0"), name, first[name], message, agent
                )
            elif not (name in step.variants or self._incomplete(flow_node)):
                about = agent.Parameters.model_fields[name].description or ""
                todo = f"add `{name}: …` below `parameters:`" + (
                    f" ({' '.join(about.split()).rstrip('.')})" if about else ""
                )
                self.diagnostics.add_at(
                    flow_node.path, f"'{flow_node.name}' lacks the parameter '{name}' of its agent", todo=todo
                )
        for name, values in step.variants.items():
            for number, value in enumerate(values[1:], start=1):
                for wrong, message in _validation_problems(agent.Parameters, {**usual, name: value}):
                    if wrong == name and message is not None:
                        path = (*flow_node.path, "variants", name, str(number))
                        self._report_parameter(flow_node, path, name, value, message, agent)

    def _report_parameter(
        self, flow_node: FlowNode, path: KeyPath, name: str, value: JsonValue, message: str | None, agent: AgentClass
    ) -> None:
        known = agent.Parameters.model_fields
        if message is None:
            what = f"the agent of '{flow_node.name}' has no parameter '{name}'"
            if name.isdecimal():
                todo = "write a decimal number with a point, as in 0.2, and a text with a comma in quotation marks"
                self.diagnostics.add_at(path, f"'{name}' stands where a name is expected", todo=todo)
                return
            self.diagnostics.add_at(
                path, what, nearest=closest_name(name, known), todo=f"its parameters are {join_names(known)}"
            )
            return
        problem = "empty, but a value is needed" if value is None else f"{value!r}, but {message}"
        # One mistake of the command line is one message, however many steps take the parameter.
        is_typed = self.diagnostics.provenance.where(path).startswith("command line")
        of_step = "" if is_typed else f" of '{flow_node.name}'"
        what = f"the parameter '{name}'{of_step} is {problem}"
        about = known[name].description if name in known else None
        self.diagnostics.add_at(
            path, what, todo=f"it is for: {' '.join(about.split()).rstrip('.')}" if about else "write another value"
        )

    def _check_inputs(self, flow_node: FlowNode, step: Step, agent: AgentClass, loop: Loop | None) -> None:
        known = agent.Inputs.model_fields
        meant = {name: closest_name(name, known) for name in step.inputs if name not in known}
        for name, near in meant.items():
            what = f"the agent of '{flow_node.name}' takes no input '{name}'"
            path = (*flow_node.path, "inputs", name)
            self.diagnostics.add_at(path, what, nearest=near, todo=f"its inputs are {join_names(known)}")
        # A misspelt choice may mean any step of the loop, so no lack of an input that a host would supply is reported.
        chosen = loop is not None and (flow_node.name in loop.choices or not loop.loop.keys() >= set(loop.choices))
        if chosen or self._incomplete(flow_node):
            return
        supplied = (
            agent.supplied_inputs
            if loop is not None and (loop.host == flow_node.name or loop.host not in loop.loop)
            else frozenset[str]()
        )
        for name, field in known.items():
            # One that is only misspelt is no second mistake.
            if field.is_required() and name not in {*step.inputs, *supplied, *meant.values()}:
                what = f"'{flow_node.name}' lacks the input '{name}' of its agent"
                self.diagnostics.add_at(
                    flow_node.path, what, todo=f"add `{name}: <step or parameters.…>` below `inputs:`"
                )

    def _incomplete(self, flow_node: FlowNode) -> bool:
        return flow_node.path in self.flow.incomplete


def _validation_problems(model: type[BaseModel], values: Mapping[str, Any]) -> Iterator[tuple[str, str | None]]:
    """Pairs of a field and the message about its value; None as the message when there is no such field."""
    try:
        valid = model.model_validate(values)
        for path, kind in numbers_from_truth(values, valid):
            yield path[0], plain_message({"type": kind, "loc": path})
    except ValidationError as error:
        for details in error.errors(include_url=False, include_input=False):
            name = str(details["loc"][0]) if details["loc"] else ""
            yield name, None if details["type"] == "extra_forbidden" else plain_message(details)
