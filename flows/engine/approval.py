"""Approval: a person is asked about the call of a tool, as at a gate, and may change its arguments."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from typing import Any

from prefect.client.schemas.objects import State

from agents.tools.argument_schemas import argument_problems
from contract.base import JsonValue, thawed
from contract.errors import AnswersInvalid
from contract.messages import AgentTrace
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


async def answers_still_hold(desk: Desk, trace: AgentTrace) -> bool:
    """Whether people say the same now about each call of a tool of that cell as when it was made."""
    for call in trace.tools:
        question = await desk.kept.question(call.question) if call.question else None
        if question is None or call.answer is None:
            continue
        try:
            answer = await desk.known(question)
        except AnswersInvalid:
            # Its mistakes are told where the question comes up.
            return False
        if answer is None or not call.answer.decides_as(answer):
            return False
    return True


async def known_approval(desk: Desk, question: Question, definition: AgentToolDefinition) -> Answer | None:
    """What a person has answered, in the file or before; nobody is asked. Raises AnswersInvalid."""
    return await desk.known(question, partial(_argument_problems, definition))


async def ask_for_approval(desk: Desk, question: Question, definition: AgentToolDefinition) -> Answer | None:
    """The person's answer; None while it waits. Changed arguments that do not fit are asked for again.

    Raises AnswersInvalid where those in the file do not fit.
    """
    check = partial(_argument_problems, definition)
    answers = list[Answer | None]()

    async def body() -> State[Any]:
        answers.extend(await desk.answers([question], PrefectForms(), check))
        return gate_state(answers)

    await run_subflow(f"approve.{definition.name}", f"{definition.name}, a person is asked", body, [])
    return answers[0]


def _argument_problems(definition: AgentToolDefinition, arguments: JsonValue) -> list[str]:
    return list(argument_problems(definition, arguments if isinstance(arguments, dict) else {}))
