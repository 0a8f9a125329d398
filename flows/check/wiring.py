"""The check of a flow's wiring: names, references, loops and cycles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from contract.flow import Loop
from contract.record import Record
from flows.check.conditions import ConditionCheck
from flows.check.parameter_names import check_parameter_name
from flows.check.result import ResultCheck
from flows.check.step_types import StepTypes
from flows.config.diagnostics import Diagnostics, closest_name, join_names, there_are
from flows.config.provenance import KeyPath
from flows.config.validate import ValidatedFlow
from flows.spec.agent_registry import AgentClass
from flows.spec.conditions import compile_condition
from flows.spec.nodes import FlowNode, walk_nodes
from flows.spec.output_types import UNKNOWN_TYPE, UnknownField, type_at_path
from flows.spec.references import RESERVED_NAMES, Reference, alternatives, parse_reference, reference_texts


@dataclass(frozen=True)
class WiringCheck:
    """Checks the wiring of one flow, with the agents of its steps that could be loaded."""

    flow: ValidatedFlow
    agents: Mapping[str, AgentClass]
    """Step -> its agent's class."""
    diagnostics: Diagnostics

    @cached_property
    def nodes_by_name(self) -> dict[str, FlowNode]:
        """Every node by name."""
        return {flow_node.name: flow_node for flow_node in walk_nodes(self.flow.spec, self.flow.path)}

    @cached_property
    def _types(self) -> StepTypes:
        return StepTypes(self.flow, self.agents, self.nodes_by_name)

    def check(self) -> None:
        """Adds every mistake of the wiring to the diagnostics."""
        self._check_names()
        conditions = ConditionCheck(self.flow, self._types, self.diagnostics)
        for flow_node in self.nodes_by_name.values():
            self._check_inputs(flow_node)
            conditions.check(flow_node, "when")
            if isinstance(flow_node.node, Loop):
                conditions.check(flow_node, "until")
                self._check_loop(flow_node, flow_node.node)
        self._check_cycles()
        ResultCheck(self.flow, self.nodes_by_name, self.diagnostics).check()

    def is_known_step(self, name: str) -> bool:
        """Whether a step of that name exists, or was left out for a mistake that is already reported."""
        return name in self.nodes_by_name or name in self.flow.dropped

    def _check_names(self) -> None:
        seen: dict[str, KeyPath] = {}
        for flow_node in walk_nodes(self.flow.spec, self.flow.path):
            if flow_node.name in RESERVED_NAMES:
                todo = f"choose another name; {join_names(RESERVED_NAMES)} have a meaning of their own"
                self.diagnostics.add_at(flow_node.path, f"a step cannot be called '{flow_node.name}'", todo=todo)
            if flow_node.name in seen:
                where = self.diagnostics.provenance.where(seen[flow_node.name])
                what = f"there are two steps called '{flow_node.name}', the other at {where}"
                self.diagnostics.add_at(flow_node.path, what, todo="rename one of them")
            seen.setdefault(flow_node.name, flow_node.path)

    def _check_inputs(self, flow_node: FlowNode) -> None:
        if isinstance(flow_node.node, Loop):
            return
        for name, references in flow_node.node.inputs.items():
            path = (*flow_node.path, "inputs", name)
            if isinstance(references, str):
                self._check_alternatives(references, path, flow_node)
                continue
            for number, text in enumerate(references):
                self._check_alternatives(text, (*path, str(number)), flow_node)

    def _check_alternatives(self, text: str, path: KeyPath, flow_node: FlowNode) -> None:
        for one in alternatives(text):
            self._check_reference(one, path, flow_node)

    def _check_reference(self, text: str, path: KeyPath, flow_node: FlowNode) -> None:
        try:
            reference = parse_reference(text)
        except ValueError as error:
            self.diagnostics.add_at(path, str(error))
            return
        if reference.root == "previous" and not flow_node.loops:
            todo = f"write {text.partition('.')[2]}"
            self.diagnostics.add_at(
                path, f"'{text}': there is no turn before, since '{flow_node.name}' is in no loop", todo=todo
            )
        elif reference.step is not None and not self.is_known_step(reference.step):
            near = closest_name(reference.step, [*self.nodes_by_name, *RESERVED_NAMES])
            close = text.replace(reference.step, near, 1) if near else None
            what = f"'{text}' names no step of this flow"
            self.diagnostics.add_at(path, what, nearest=close, todo=there_are(self.nodes_by_name))
        elif reference.root == "step" and self._comes_later(str(reference.step), flow_node):
            what = f"'{text}' does not exist yet in this turn of the loop when '{flow_node.name}' runs"
            self.diagnostics.add_at(path, what, todo=f"write previous.{text} for that of the turn before")
        else:
            self._check_fields(reference, path)

    def _comes_later(self, name: str, flow_node: FlowNode) -> bool:
        """Whether `name` is `flow_node` or comes after it, within a loop that holds both."""
        other = self.nodes_by_name.get(name)
        if not other or not flow_node.loops:
            return False
        order = list(self.nodes_by_name)
        return flow_node.loops[0] in other.loops and order.index(name) >= order.index(flow_node.name)

    def _check_fields(self, reference: Reference, path: KeyPath) -> None:
        kind: Any = UNKNOWN_TYPE
        rest = reference.path
        if reference.root == "record":
            kind = Record
        elif reference.root == "parameters":
            check_parameter_name(self.flow, self.diagnostics, rest, path, reference.text)
            rest = ""
        elif reference.step:
            kind = self._output_type(reference.step, path, reference.text)
        try:
            type_at_path(kind, rest)
        except UnknownField as error:
            self._report_unknown_field(error, reference.text, path)

    def _output_type(self, step: str, path: KeyPath, text: str) -> Any:
        flow_node = self.nodes_by_name.get(step)
        if flow_node and isinstance(flow_node.node, Loop):
            inner = join_names(flow_node.node.loop)
            self.diagnostics.add_at(
                path, f"'{text}' names a loop, which has no output", todo=f"name one of its steps: {inner}"
            )
        return self._types.output(step)

    def _report_unknown_field(self, error: UnknownField, text: str, path: KeyPath) -> None:
        near = closest_name(error.name, error.known)
        close = text.replace(error.name, near, 1) if near else None
        todo = f"its fields are {join_names(error.known)}" if error.known else "it has no fields"
        what = f"'{text}': there is no field '{error.name}'"
        if error.name.startswith("["):
            close, what = None, f"'{text}': {error.name} stands where there is no list"
            todo = f"{todo}; the name of a step with variants, alone, stands for the list of all its outputs"
        self.diagnostics.add_at(path, what, nearest=close, todo=todo)

    def _check_loop(self, flow_node: FlowNode, loop: Loop) -> None:
        if loop.host and loop.host not in loop.loop and loop.host not in self.flow.dropped:
            what = f"the host '{loop.host}' is no step of the loop"
            near = closest_name(loop.host, loop.loop)
            self.diagnostics.add_at((*flow_node.path, "host"), what, nearest=near, todo=there_are(loop.loop))
        for number, name in enumerate(loop.approve):
            if name not in loop.choices:
                what = f"`approve` names '{name}', which the host cannot choose"
                near, path = closest_name(name, loop.choices), (*flow_node.path, "approve", str(number))
                self.diagnostics.add_at(path, what, nearest=near, todo=f"its choices are {join_names(loop.choices)}")
        for number, choice in enumerate(loop.choices):
            if choice not in loop.loop and choice not in self.flow.dropped:
                what = f"the choice '{choice}' is no step of the loop"
                near = closest_name(choice, loop.loop)
                path = (*flow_node.path, "choices", str(number))
                self.diagnostics.add_at(path, what, nearest=near, todo=there_are(loop.loop))
        if loop.choices and not loop.host:
            what = f"'{flow_node.name}' has choices but no host to choose among them"
            self.diagnostics.add_at(
                (*flow_node.path, "choices"), what, todo="add `host:` with the name of one of its steps"
            )

    def _check_cycles(self) -> None:
        needs = {name: set(self._top_level_dependencies(name)) for name in self.flow.spec.steps}
        for name in needs:
            if (cycle := _shortest_cycle(name, needs)) and min(cycle, key=list(needs).index) == name:
                chain = " needs ".join(f"'{step}'" for step in (*cycle, name))
                todo = "take one of the inputs away, or put the steps in a loop and use previous."
                self.diagnostics.add_at(self.nodes_by_name[name].path, f"a cycle: {chain}", todo=todo)

    def _top_level_dependencies(self, top: str) -> Iterator[str]:
        """The steps of the first level that `top`, or a step in it, waits for."""
        for flow_node in self.nodes_by_name.values():
            if top not in (flow_node.name, *flow_node.loops):
                continue
            for name in _steps_referred_to(flow_node):
                other = self.nodes_by_name.get(name)
                owner = (other.loops or (name,))[0] if other else None
                if owner and (owner != top or (name == flow_node.name and not flow_node.loops)):
                    yield owner


def _steps_referred_to(flow_node: FlowNode) -> Iterator[str]:
    node = flow_node.node
    references: Iterable[str | tuple[str, ...]] = () if isinstance(node, Loop) else node.inputs.values()
    for texts in references:
        for text in reference_texts(texts):
            try:
                reference = parse_reference(text)
            except ValueError:
                continue
            if reference.root == "step" and reference.step:
                yield reference.step
    for text in (node.when, getattr(node, "until", None)):
        try:
            names = compile_condition(text).names if text else frozenset[str]()
        except ValueError:
            continue
        yield from names - set(() if isinstance(node, Loop) else node.inputs)


def _shortest_cycle(start: str, needs: Mapping[str, set[str]]) -> list[str] | None:
    """The shortest cycle from `start` back to it, `start` first; None if there is none."""
    paths = [[start]]
    seen = set[str]()
    while paths:
        path = paths.pop(0)
        for name in sorted(needs.get(path[-1], ())):
            if name == start:
                return path
            if name not in seen:
                seen.add(name)
                paths.append([*path, name])
    return None
