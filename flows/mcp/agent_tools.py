"""Agents as tools: `run_judge` asks one agent about one text.

The schema holds the text, the inputs that a caller can give and the parameters that are public. What a flow supplies by
itself is left out, and so is the template: a caller could make any other agent of it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from contract.base import JsonValue, digest
from contract.tools import AgentToolDefinition, Permission
from flows.mcp.composed_agents import ComposedAgents
from flows.mcp.pending_calls import PendingCalls
from flows.mcp.published import CORPUS_SCHEMA, Progress, PublishedTool, object_schema
from flows.mcp.spending import BUDGET_SCHEMA, Spending
from flows.spec.agent_registry import AgentClass, AgentRegistry, InstalledAgents

_PRIVATE_PARAMETERS = frozenset({"template"})
_MAX_TEXT = 1_000_000


class AgentTools:
    """Makes the tools, and runs their calls."""

    def __init__(self, config_dir: Path | None, spending: Spending, registry: AgentRegistry | None = None) -> None:
        self._registry: AgentRegistry = registry if registry is not None else InstalledAgents()
        self._composed = ComposedAgents(config_dir, registry)
        self._pending = PendingCalls()
        self._spending = spending

    def tools(self, model_names: str) -> list[PublishedTool]:
        """One tool for each agent that can be called alone. `model_names` are shown to whoever has to choose one."""
        agents = {name: self._registry[name] for name in sorted(self._registry)}
        return [
            PublishedTool(_definition(name, agent, model_names), partial(self._call, name))
            for name, agent in agents.items()
            if _can_be_called_alone(agent)
        ]

    async def aclose(self) -> None:
        """Ends the calls that still run."""
        await self._pending.aclose()

    async def _call(self, name: str, arguments: Mapping[str, Any], progress: Progress) -> JsonValue:
        await progress(0, 1, f"asking {name}")
        value = await self._pending.result_of(digest([name, dict(arguments)]), lambda: self._run(name, arguments))
        await progress(1, 1, f"{name} has answered")
        return value

    async def _run(self, name: str, arguments: Mapping[str, Any]) -> JsonValue:
        # Composing is imported by the first call, so that the list of tools does not wait for it.
        from flows.api.agent import as_record, call_agent, import_services, typed_output

        given = {key: value for key, value in arguments.items() if value is not None}
        text, amount = given.pop("text", name), given.pop("budget", None)
        budget = None if amount is None else Decimal(str(amount))
        call = await self._composed.get(name, given, budget)
        shared = self._spending.of_call(call.study, tool_name(name), budget)
        record = as_record(str(text))
        await import_services()
        async with asyncio.timeout(call.study.run.timeout_seconds):
            output = await call_agent(call, record, shared)
        return typed_output(call, output).model_dump(mode="json")


def tool_name(agent: str) -> str:
    """The name of an agent's tool."""
    return "run_" + re.sub(r"\W", "_", agent)


def _can_be_called_alone(agent: AgentClass) -> bool:
    """Whether nothing that only a flow can supply is needed, or makes sense: a host without steps chooses nothing."""
    return not agent.supplied_inputs


def _definition(name: str, agent: AgentClass, model_names: str) -> AgentToolDefinition:
    inputs, parameters = agent.Inputs.model_json_schema(), agent.Parameters.model_json_schema()
    properties: dict[str, Any] = {} if agent.searches_corpus else {"text": _text_schema()}
    required = list(properties)
    for schema, hidden in ((inputs, agent.supplied_inputs), (parameters, _PRIVATE_PARAMETERS)):
        properties |= {key: value for key, value in schema.get("properties", {}).items() if key not in hidden}
        required += [key for key in schema.get("required", []) if key not in hidden]
    permissions: list[Permission] = []
    if agent.searches_corpus:
        properties["corpus"] = CORPUS_SCHEMA
        required.append("corpus")
        permissions.append("read_corpus")
    if agent.fetches_pages:
        permissions.append("fetch")
    if "model" in properties:
        properties["model"] = {**properties["model"], "description": f"The model's name: {model_names}."}
        properties["budget"] = BUDGET_SCHEMA
        permissions.append("spend")
    input_schema = object_schema(properties, required, {**inputs.get("$defs", {}), **parameters.get("$defs", {})})
    return AgentToolDefinition(
        name=tool_name(name), description=_summary(agent), input_schema=input_schema,
        output_schema=agent.Output.model_json_schema(mode="serialization"), permissions=tuple(permissions),
    )  # fmt: skip


def _text_schema() -> dict[str, Any]:
    return {"type": "string", "minLength": 1, "maxLength": _MAX_TEXT, "description": "The text that it works on."}


def _summary(agent: AgentClass) -> str:
    return (agent.__doc__ or "").strip().split("\n\n")[0].replace("\n", " ")
