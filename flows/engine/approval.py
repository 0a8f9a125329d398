"""Approval: a person is asked about the call of a tool, as at a gate, and may change its arguments."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from prefect.client.schemas.objects import State

from agents.tools.argument_schemas import argument_problems
from contract.base import JsonValue, thawed
from contract.questions import Answer, Question
from contract.tools import AgentToolDefinition, UnifiedRequest
from flows.engine.forms import PrefectForms
from flows.engine.gate import gate_state
from flows.engine.subflow import run_subflow
from flows.gates.asked_at import TOOL_DECISIONS, TOOL_SECONDS, tool_question
from flows.gates.desk import Desk


def approval_question(flow: str, step: str, definition: AgentToolDefinition, request: UnifiedRequest) -> Question:
    """What a person is asked about that call."""
    arguments: dict[str, JsonValue] = thawed(request.inputs)
    shown: Mapping[str, JsonValue] = {
        "tool": definition.name,
        "permissions": ", ".join(definition.permissions) or "none that is known",
        # As text, so that it is shown letter for letter: a model wrote it.
        "arguments": json.dumps(arguments, indent=1, ensure_ascii=False),
    }
    return Question(
        flow=flow, gate=f"{step}.{definition.name}", record_id=str(request.context.get("record", "")),
        question=tool_question(definition.name), shown=shown, decide=TOOL_DECISIONS,
        value=arguments, timeout_seconds=TOOL_SECONDS,
    )  # fmt: skip


async def ask_for_approval(desk: Desk, question: Question, definition: AgentToolDefinition) -> Answer | None:
    """The person's answer; None while it waits. Changed arguments that do not fit are asked for again."""

    def check(value: JsonValue) -> list[str]:
        return list(argument_problems(definition, value if isinstance(value, dict) else {}))

    if kept := await desk.kept.get(question):
        return kept
    answers = list[Answer | None]()

    async def body() -> State[Any]:
        answers.extend(await desk.answers([question], PrefectForms(), check))
        return gate_state(answers)

    await run_subflow(f"approve.{definition.name}", f"{definition.name}, a person is asked", body, [])
    return answers[0]
