"""The check of a flow's wiring: references, conditions, loops, cycles and the result."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from typing import Any

from contract.flow import Gate, Loop, Step
from contract.record import Record
from flows.config.diagnostics import Findings, listed, nearest
from flows.config.provenance import KeyPath
from flows.config.validate import ShapedFlow
from flows.spec.agent_registry import AgentClass
from flows.spec.conditions import compile_condition
from flows.spec.nodes import Placed, gives_list, nodes
from flows.spec.output_types import ANYTHING, UnknownField, after_path, after_words
from flows.spec.references import RESERVED, Reference, parse


@dataclass(frozen=True)
class Wiring:
    """One flow with the agents of its steps, as far as they could be loaded."""

    flow: ShapedFlow
    agents: Mapping[str, AgentClass]
    """Step -> its agent's class."""
    findings: Findings

    @cached_property
    def placed(self) -> dict[str, Placed]:
        """Every node by name."""
        return {flow_node.name: flow_node for flow_node in nodes(self.flow.spec, self.flow.path)}

    def check(self) -> None:
        """Puts every mistake of the wiring into the findings."""
        self._names()
        for flow_node in self.placed.values():
            self._inputs(flow_node)
            self._condition(flow_node, "when")
            if isinstance(flow_node.node, Loop):
                self._condition(flow_node, "until")
                self._loop(flow_node, flow_node.node)
        self._cycles()
        self._result()

    def knows(self, name: str) -> bool:
        """Whether a step of that name is there, or was left out for a mistake that is told already."""
        return name in self.placed or name in self.flow.dropped

    def _names(self) -> None:
        seen: dict[str, KeyPath] = {}
        for flow_node in nodes(self.flow.spec, self.flow.path):
            if flow_node.name in RESERVED:
                todo = f"choose another name; {listed(RESERVED)} have a meaning of their own"
                self.findings.at(flow_node.path, f"a step cannot be called '{flow_node.name}'", todo=todo)
            if flow_node.name in seen:
                where = self.findings.provenance.where(seen[flow_node.name])
                what = f"there are two steps called '{flow_node.name}', the other at {where}"
                self.findings.at(flow_node.path, what, todo="rename one of them")
            seen.setdefault(flow_node.name, flow_node.path)

    def _inputs(self, placed: Placed) -> None:
        if isinstance(placed.node, Loop):
            return
        for name, references in placed.node.inputs.items():
            path = (*placed.path, "inputs", name)
            if isinstance(references, str):
                self._reference(references, path, placed)
                continue
            for number, text in enumerate(references):
                self._reference(text, (*path, str(number)), placed)

    def _reference(self, text: str, path: KeyPath, placed: Placed) -> None:
        try:
            reference = parse(text)
        except ValueError as error:
            self.findings.at(path, str(error))
            return
        if reference.root == "previous" and not placed.loops:
            todo = f"write {text.partition('.')[2]}"
            self.findings.at(path, f"'{text}': there is no turn before, since '{placed.name}' is in no loop", todo=todo)
        elif reference.step is not None and not self.knows(reference.step):
            near = nearest(reference.step, [*self.placed, *RESERVED])
            close = text.replace(reference.step, near, 1) if near else None
            what = f"'{text}' names no step of this flow"
            self.findings.at(path, what, nearest=close, todo=f"there are {listed(self.placed)}")
        elif reference.root == "step" and self._comes_later(str(reference.step), placed):
            what = f"'{text}' does not exist yet in this turn of the loop when '{placed.name}' runs"
            self.findings.at(path, what, todo=f"write previous.{text} for that of the turn before")
        else:
            self._fields(reference, path)

    def _comes_later(self, name: str, placed: Placed) -> bool:
        """Whether `name` stands after `placed`, or is it, within a loop that holds both."""
        other = self.placed.get(name)
        if not other or not placed.loops:
            return False
        order = list(self.placed)
        return placed.loops[0] in other.loops and order.index(name) >= order.index(placed.name)

    def _fields(self, reference: Reference, path: KeyPath) -> None:
        kind: Any = ANYTHING
        rest = reference.path
        if reference.root == "record":
            kind = Record
        elif reference.root == "parameters":
            kind = self._after_parameters(rest, path, reference.text)
            rest = ""
        elif reference.step:
            kind = self._output(reference.step, path, reference.text)
        try:
            after_path(kind, rest)
        except UnknownField as error:
            self._tell_field(error, reference.text, path)

    def _after_parameters(self, rest: str, path: KeyPath, text: str) -> Any:
        known = self.flow.spec.parameters
        name = rest.partition(".")[0].partition("[")[0]
        if name not in known and ("parameters", name) not in {p[-2:] for p in self.flow.incomplete}:
            near = nearest(name, known)
            what = f"'{text}' names no parameter of this flow"
            self.findings.at(
                path, what, nearest=f"parameters.{near}" if near else None, todo=f"there are {listed(known)}"
            )
        return ANYTHING

    def _output(self, step: str, path: KeyPath, text: str) -> Any:
        flow_node = self.placed.get(step)
        if flow_node and isinstance(flow_node.node, Loop):
            inner = listed(flow_node.node.loop)
            self.findings.at(
                path, f"'{text}' names a loop, which has no output", todo=f"name one of its steps: {inner}"
            )
        agent = self.agents.get(step)
        return getattr(agent, "Output", ANYTHING) if agent else ANYTHING

    def _tell_field(self, error: UnknownField, text: str, path: KeyPath) -> None:
        near = nearest(error.name, error.known)
        close = text.replace(error.name, near, 1) if near else None
        todo = f"its fields are {listed(error.known)}" if error.known else "it has no fields"
        self.findings.at(path, f"'{text}': there is no field '{error.name}'", nearest=close, todo=todo)

    def _condition(self, placed: Placed, key: str) -> None:
        text = getattr(placed.node, key)
        if not text:
            return
        path = (*placed.path, key)
        try:
            condition = compile_condition(text)
        except ValueError as error:
            todo = "write for example: answers | length >= 2 and not record.ground_truth"
            self.findings.at(path, str(error), todo=todo)
            return
        inputs = () if isinstance(placed.node, Loop) else tuple(placed.node.inputs)
        known = {*inputs, *RESERVED, *self.placed, *self.flow.dropped}
        incomplete = placed.path in self.flow.incomplete
        for name in sorted(condition.names - known) if not incomplete else ():
            what = f"the condition '{text}' names '{name}', which is neither an input nor a step"
            self.findings.at(path, what, nearest=nearest(name, known), todo=f"there are {listed(known)}")
        for chain in condition.chains:
            if chain[0] in known:
                self._chain(chain, text, path, placed)

    def _chain(self, chain: tuple[str, ...], text: str, path: KeyPath, placed: Placed) -> None:
        name, *words = chain
        if isinstance(placed.node, Step | Gate) and name in placed.node.inputs:
            agent = self.agents.get(placed.name)
            field = agent.Inputs.model_fields.get(name) if agent else None
            kind: Any = field.annotation if field else ANYTHING
        elif name == "record":
            kind = Record
        elif name == "parameters":
            self._after_parameters(words[0], path, ".".join(chain))
            return
        elif name == "previous":
            name, *words = words
            kind = self._condition_output(name)
        else:
            kind = self._condition_output(name)
        try:
            after_words(kind, words)
        except UnknownField as error:
            near = nearest(error.name, error.known)
            close = ".".join(near if word == error.name else word for word in chain) if near else None
            todo = (
                f"its fields are {listed(error.known)}"
                if error.known
                else "it is a list; use a filter such as | length"
            )
            what = f"the condition '{text}': there is no field '{error.name}'"
            self.findings.at(path, what, nearest=close, todo=todo)

    def _condition_output(self, name: str) -> Any:
        flow_node = self.placed.get(name)
        kind = getattr(self.agents.get(name), "Output", ANYTHING) if name in self.agents else ANYTHING
        several = flow_node and isinstance(flow_node.node, Step) and gives_list(flow_node.node)
        return tuple[kind, ...] if several and kind is not ANYTHING else kind

    def _loop(self, placed: Placed, loop: Loop) -> None:
        if loop.host and loop.host not in loop.loop and loop.host not in self.flow.dropped:
            what = f"the host '{loop.host}' is no step of the loop"
            near = nearest(loop.host, loop.loop)
            self.findings.at((*placed.path, "host"), what, nearest=near, todo=f"there are {listed(loop.loop)}")
        for number, choice in enumerate(loop.choices):
            if choice not in loop.loop and choice not in self.flow.dropped:
                what = f"the choice '{choice}' is no step of the loop"
                near = nearest(choice, loop.loop)
                path = (*placed.path, "choices", str(number))
                self.findings.at(path, what, nearest=near, todo=f"there are {listed(loop.loop)}")
        if loop.choices and not loop.host:
            what = f"'{placed.name}' has choices but nobody to choose"
            self.findings.at((*placed.path, "choices"), what, todo="add `host:` with the name of one of its steps")

    def _cycles(self) -> None:
        needs = {name: set(self._needs(name)) for name in self.flow.spec.steps}
        for name in needs:
            if (cycle := _way_back(name, needs)) and min(cycle, key=list(needs).index) == name:
                chain = " needs ".join(f"'{step}'" for step in (*cycle, name))
                todo = "take one of the inputs away, or put the steps in a loop and use previous."
                self.findings.at(self.placed[name].path, f"a cycle: {chain}", todo=todo)

    def _needs(self, top: str) -> Iterator[str]:
        """The steps of the first level that `top`, or a step in it, waits for."""
        for flow_node in self.placed.values():
            if top not in (flow_node.name, *flow_node.loops):
                continue
            for name in _named(flow_node):
                other = self.placed.get(name)
                owner = (other.loops or (name,))[0] if other else None
                if owner and (owner != top or (name == flow_node.name and not flow_node.loops)):
                    yield owner

    def _result(self) -> None:
        result, measures = self.flow.spec.result, self.flow.spec.measures
        path = (*self.flow.path, "result")
        if measures:
            self._verdicts(measures.verdicts)
        if result is None:
            if measures is None:
                todo = "add `result: …`, the step whose output the flow gives, or `measures:` with `verdicts: …`"
                self.findings.at(self.flow.path, f"'{self.flow.spec.name}' lacks `result`", todo=todo)
            return
        flow_node = self.placed.get(result)
        if not self.knows(result):
            near = nearest(result, self.placed)
            what = f"the result '{result}' is no step of this flow"
            self.findings.at(path, what, nearest=near, todo=f"there are {listed(self.placed)}")
        elif flow_node and isinstance(flow_node.node, Loop):
            inner = listed(flow_node.node.loop)
            self.findings.at(path, f"the result '{result}' is a loop, which has no output", todo=f"name one of {inner}")

    def _verdicts(self, name: str) -> None:
        if missing := [package for package in ("sklearn", "statsmodels", "matplotlib") if find_spec(package) is None]:
            what = f"measures need packages that are not installed: {', '.join(missing)}"
            todo = "install the extra `studies`: uv sync --extra studies, or pip install 'buttermilk[studies]'"
            self.findings.at((*self.flow.path, "measures"), what, todo=todo)
        flow_node, path = self.placed.get(name), (*self.flow.path, "measures", "verdicts")
        steps = [flow_node.name for flow_node in self.placed.values() if isinstance(flow_node.node, Step)]
        if not self.knows(name):
            what = f"the verdicts are to come from '{name}', which is no step of this flow"
            self.findings.at(path, what, nearest=nearest(name, steps), todo=f"there are {listed(steps)}")
        elif flow_node and not isinstance(flow_node.node, Step):
            self.findings.at(path, f"'{name}' gives no verdicts", todo=f"name one of {listed(steps)}")


def _named(placed: Placed) -> Iterator[str]:
    node = placed.node
    references: Iterable[str | tuple[str, ...]] = () if isinstance(node, Loop) else node.inputs.values()
    for texts in references:
        for text in (texts,) if isinstance(texts, str) else texts:
            try:
                reference = parse(text)
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


def _way_back(start: str, needs: Mapping[str, set[str]]) -> list[str] | None:
    """The shortest way from `start` back to it, `start` first; None if there is none."""
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
