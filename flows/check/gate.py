"""The check of gates: what is asked can be answered; and, before a run, what will wait for whom."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import create_model

from contract.flow import Gate, Loop, Step
from contract.questions import RESERVED_FIELDS, Question
from flows.config.diagnostics import Diagnostics, closest_name, join_names
from flows.config.provenance import KeyPath
from flows.config.validate import ValidatedFlow
from flows.gates.asked_at import questions_of
from flows.spec.nodes import FlowNode, walk_nodes
from flows.spec.study import Study

_OUTPUT_TYPES: dict[str, type] = {"yes_no": bool, "text": str, "number": float}


@dataclass(frozen=True)
class GateCheck:
    """Checks the gates of one flow."""

    flow: ValidatedFlow
    diagnostics: Diagnostics

    def check(self) -> None:
        """Adds every mistake to the diagnostics."""
        for flow_node in walk_nodes(self.flow.spec, self.flow.path):
            if isinstance(flow_node.node, Gate) and flow_node.path not in self.flow.incomplete:
                self._check(flow_node, flow_node.node)

    def _check(self, flow_node: FlowNode, gate: Gate) -> None:
        path = flow_node.path
        if not gate.decide and not gate.fields:
            todo = "add `decide: [approve, reject]`, or `fields:` with what is asked for"
            self._add(path, f"the gate '{flow_node.name}' asks for nothing", todo)
        for name in gate.fields.keys() & RESERVED_FIELDS:
            todo = f"choose another name; {join_names(RESERVED_FIELDS)} are columns of every file of answers"
            self._add((*path, "fields", name), f"a field cannot be called '{name}'", todo)
        if gate.value is not None and gate.value not in gate.inputs:
            what, near = f"'{gate.value}' is no input of the gate", closest_name(gate.value, gate.inputs)
            self._add((*path, "value"), what, f"its inputs are {join_names(gate.inputs)}", near)
        if "edit" in gate.decide and gate.value is None:
            self._add((*path, "decide"), "`edit` needs to know what is changed", "add `value:` with one of the inputs")
        self._check_options(path, gate)
        if gate.on_timeout == "reject" and "reject" not in gate.decide:
            todo = "add `decide: [approve, reject]`, or write skip, fail or wait"
            self._add((*path, "on_timeout"), "nothing can be rejected here when the time is up", todo)

    def _check_options(self, path: KeyPath, gate: Gate) -> None:
        chooses = "choose" in gate.decide
        if chooses and not gate.options:
            todo = "add `options:` with a list, or with the name of an input that is one"
            self._add((*path, "decide"), "`choose` needs something to choose from", todo)
        elif gate.options and not chooses:
            self._add((*path, "options"), "nobody can choose among these", "add `choose` to `decide:`")
        elif isinstance(gate.options, str) and gate.options not in gate.inputs:
            what, near = f"'{gate.options}' is no input of the gate", closest_name(gate.options, gate.inputs)
            self._add((*path, "options"), what, f"its inputs are {join_names(gate.inputs)}", near)

    def _add(self, path: KeyPath, what: str, todo: str, nearest: str | None = None) -> None:
        self.diagnostics.add_at(path, what, nearest=nearest, todo=todo)


def gate_output_type(gate: Gate) -> Any:
    """The type of what later steps see of the gate."""
    fields: dict[str, Any] = {name: (_OUTPUT_TYPES[field.type], ...) for name, field in gate.fields.items()}
    if gate.decide:
        fields |= {"decision": (str, ...), "approved": (bool, ...), "value": (Any, ...), "comment": (str, ...)}
    return create_model("GateOutput", **fields)


def waiting_notes(study: Study, *, has_page: bool, runs: bool = False) -> Iterator[str]:
    """What of the study waits for a person, and how it can be answered, one sentence each.

    For how long a form is waited for, a command that `runs` says when it does wait: all may be answered already.
    """
    asked = questions_of(study.flow)
    gates = {one.name: one for one in walk_nodes(study.flow, ())}
    for name, question in asked.items():
        node = gates[name.partition(".")[0]].node
        often = _how_often(node, bool(gates[name.partition(".")[0]].loops))
        yield f"'{name}' waits for {question.who or 'a person'}, {often}: {question.question}{_policy(question)}"
    if asked and study.run.answers is None:
        page = "with a form at the server's page, " if has_page else ""
        yield (
            f"answers are given at the terminal, {page}or later: then the run does all else, ends in the state Waiting "
            "and leaves waiting.yaml to be filled in"
        )
        if has_page and study.run.ask != "later" and not runs:
            seconds = max(one.timeout_seconds for one in asked.values())
            yield f"without a terminal a run waits up to {seconds:,} s for a form; with run.ask=later it waits for none"


def _how_often(node: Step | Loop | Gate, in_loop: bool) -> str:
    often = "for each call" if isinstance(node, Step) else "in each round" if in_loop else "once for each record"
    return f"{often}{f' where {node.when}' if isinstance(node, Gate) and node.when else ''}"


def _policy(question: Question) -> str:
    after = {"reject": "rejected", "skip": "skipped", "fail": "without output"}.get(question.on_timeout)
    return f" (after {question.timeout_seconds} s: {after})" if after else ""
