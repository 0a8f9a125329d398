"""Approval: a person is asked about the call of a tool, and may change its arguments."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from prefect.input import RunInput
from pydantic import Field, create_model

from agents.tools.argument_schemas import argument_problems
from contract.base import JsonValue, thawed
from contract.tools import AgentToolDefinition, UnifiedRequest
from flows.engine.gate import pause_for
from flows.engine.subflow import run_subflow

APPROVAL_SECONDS = 3600
"""How long a person is waited for."""


@dataclass(frozen=True)
class Approval:
    """What a person decided."""

    decision: Literal["approve", "modify", "reject", "stop"]
    arguments: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    comment: str = ""

    @property
    def because(self) -> str:
        """The end of a sentence that gives the comment; empty without one."""
        return f": {self.comment}" if self.comment else ""


async def ask_for_approval(definition: AgentToolDefinition, request: UnifiedRequest) -> Approval:
    """Pauses a child run until a person decides. Arguments that do not fit are shown again, with what is wrong.

    Raises RunError when nobody decides in time.
    """
    decided, arguments, problem = list[Approval](), json.dumps(thawed(request.inputs), ensure_ascii=False), ""

    async def body() -> None:
        nonlocal arguments, problem
        while not decided:
            answer: Any = await pause_for(
                _form(definition, request, arguments, problem), f"may {definition.name} be called?", APPROVAL_SECONDS
            )
            arguments = str(answer.arguments)
            values, problem = _read_arguments(definition, arguments) if answer.decision == "modify" else ({}, "")
            if not problem:
                decided.append(Approval(answer.decision, values, answer.comment.strip()))

    await run_subflow(f"approve.{definition.name}", f"{definition.name}, a person is asked", body, [])
    return decided[0]


def _read_arguments(definition: AgentToolDefinition, text: str) -> tuple[dict[str, JsonValue], str]:
    """The arguments that a person wrote, and what is wrong with them."""
    try:
        values: Any = json.loads(text)
    except ValueError as error:
        return {}, f"the arguments are not JSON: {error}"
    if not isinstance(values, dict):
        return {}, 'the arguments are not an object; write {"name": value}'
    found = cast("dict[str, JsonValue]", values)
    return found, "; ".join(argument_problems(definition, found))


def _form(definition: AgentToolDefinition, request: UnifiedRequest, arguments: str, problem: str) -> type[RunInput]:
    decisions: Any = Literal["approve", "modify", "reject", "stop"]
    fields: dict[str, Any] = {
        "decision": (decisions, Field(description="modify calls it with the arguments below; stop ends this cell")),
        "arguments": (str, Field(default=arguments, description="As JSON; read for `modify` only.")),
        "comment": (str, Field(default="", description="With `reject`, the model is shown it.")),
    }
    form: type[RunInput] = create_model("ToolApproval", __base__=RunInput, **fields)
    # Indented by four, so that Markdown shows it as it is: a model wrote it.
    shown = "\n".join(f"    {line}" for line in json.dumps(thawed(request.inputs), indent=1).splitlines())
    permissions = ", ".join(definition.permissions) or "none that is known"
    record = str(request.context.get("record", ""))
    parts = [f"May `{definition.name}` be called? Permissions: {permissions}.", f"    record {record}", shown, problem]
    return form.with_initial_data(description="\n\n".join(filter(None, parts)))
