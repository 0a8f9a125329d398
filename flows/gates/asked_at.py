"""What a flow asks people: each gate and each tool with consent, as a question that names no record yet."""

from __future__ import annotations

from collections.abc import Mapping

from agents.base.services import CriteriaLookup
from contract.base import JsonValue
from contract.flow import FlowSpec, Gate, Step
from contract.questions import Decision, Question
from flows.gates.allowed_verdicts import allowed_verdicts
from flows.spec.nodes import walk_nodes

TOOL_DECISIONS: tuple[Decision, ...] = ("approve", "edit", "reject", "stop")
TOOL_SECONDS = 3600
"""How long a run that is under way waits for a form about a call of a tool."""


def questions_of(flow: FlowSpec, criteria: CriteriaLookup | None = None) -> dict[str, Question]:
    """What can be asked in the flow: the name of the gate, or `step.tool` -> the question without its record.

    With `criteria`, the questions say which verdicts a changed one may be.
    """
    found = dict[str, Question]()
    for one in walk_nodes(flow, ()):
        if isinstance(one.node, Gate):
            question = gate_question(flow.name, one.name, one.node, {})
            allowed = allowed_verdicts(flow, one.node, criteria) if criteria else ()
            found[one.name] = question.model_copy(update={"allowed": allowed})
        elif isinstance(one.node, Step):
            for tool in one.node.approve:
                name = f"{one.name}.{tool}"
                found[name] = Question(
                    flow=flow.name, gate=name, record_id="", question=tool_question(tool), decide=TOOL_DECISIONS,
                    timeout_seconds=TOOL_SECONDS,
                )  # fmt: skip
    return found


def gate_question(
    flow: str, name: str, gate: Gate, shown: Mapping[str, JsonValue], record: tuple[str, str, int] = ("", "", 0)
) -> Question:
    """What a gate asks about a record, of which `record` gives the id, the fingerprint and the round."""
    options = shown.get(gate.options) if isinstance(gate.options, str) else list(gate.options)
    return Question(
        flow=flow,
        gate=name,
        record_id=record[0],
        record_fingerprint=record[1],
        round=record[2],
        question=gate.gate,
        who=gate.who,
        shown=shown,
        decide=gate.decide,
        value=shown.get(gate.value) if gate.value else None,
        options=tuple(options) if isinstance(options, list) else (),
        fields=gate.fields,
        timeout_seconds=gate.timeout_seconds,
        on_timeout=gate.on_timeout,
    )


def tool_question(tool: str) -> str:
    """What a person is asked about a call of a tool."""
    return f"May {tool} be called?"
