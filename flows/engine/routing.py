"""Routing: whether a step runs for a record, what a host chose, and whether a loop goes on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contract.flow import Loop, Node, Step
from contract.tools import STOP
from flows.engine.grid import RecordGroup
from flows.engine.scope import Scope
from flows.spec.condition_words import unmet_words
from flows.spec.conditions import compile_condition


@dataclass(frozen=True)
class SkipReason:
    """Why a node does not run for a record."""

    note: str
    """With the condition as it was written; it stands in the tables."""
    words: str = ""
    """In words, for the name of the skipped run."""

    @property
    def run_words(self) -> str:
        """What the name of the skipped run says after the name of the step."""
        return self.words or f"skipped, {self.note}"


def skip_reason(name: str, node: Node, record_group: RecordGroup, loop: Loop | None) -> SkipReason | None:
    """Why the node does not run for this record group; None if it runs. Raises ValueError from a condition."""
    scope, inputs = record_group.scope, record_group.inputs
    if scope.loop_time and (over := scope.loop_time.over):
        return SkipReason(over.deny())
    if loop and loop.host and (reason := _host_skip_reason(name, scope, loop)):
        return reason
    if node.when and not compile_condition(node.when).evaluate({**scope.context(), **inputs}):
        lengths = {name: len(value) for name, value in inputs.items() if isinstance(value, list)}
        note = f"{node.when} does not hold{_list_lengths(node.when, lengths)}"
        return SkipReason(note, f"not needed, {_plain(unmet_words(node.when, lengths)) or note}")
    if isinstance(node, Step) and (count := scope.count_inputs(node, inputs)) < node.min_inputs:
        return SkipReason(
            f"{count} inputs, and min_inputs is {node.min_inputs}",
            f"not possible, { {0: 'no inputs', 1: 'one input'}.get(count, f'{count} inputs') } of {node.min_inputs}",
        )
    return None


def _list_lengths(condition: str, lengths: Mapping[str, int]) -> str:
    lists = [f"{number} {name}" for name, number in lengths.items() if name in condition]
    return f": {', '.join(lists)}" if lists else ""


def _plain(words: str | None) -> str | None:
    """Without typographic quotes, for which the run graph's canvas has no glyphs."""
    return words and words.replace("‘", "").replace("’", "")


def _host_skip_reason(name: str, scope: Scope, loop: Loop) -> SkipReason | None:
    request = host_request(scope, loop)
    if name == loop.host or loop.host not in scope.traces:
        return None
    if request is None:
        return SkipReason("the host gave no answer")
    if request["target"] == STOP:
        return SkipReason(f"the host stopped: {request['metadata'].get('reason', '')}")
    if name in loop.choices and request["target"] != name:
        note = f"the host chose {request['target']}"
        return SkipReason(note, f"not needed, {note}")
    return None


def host_request(scope: Scope, loop: Loop) -> dict[str, Any] | None:
    """What the loop's host asked for in this round, as a `UnifiedRequest` dumps."""
    traces = scope.traces.get(loop.host or "", [])
    current = [trace for trace in traces if trace.round == scope.round and trace.value is not None]
    value: Any = scope.values.get(loop.host or "")
    return value if current else None


def loop_finished(scope: Scope, loop: Loop) -> bool:
    """Whether the loop ends for this record after the current round. Raises ValueError from the condition."""
    if loop.host:
        request = host_request(scope, loop)
        if request is None or request["target"] == STOP:
            return True
    return bool(loop.until) and compile_condition(loop.until or "").evaluate(scope.context())
