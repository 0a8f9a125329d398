"""Agents as tools: `run_judge` asks one agent about one text."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from agents.tools.tool import Tool
from contract.base import JsonValue, digest
from contract.tools import Permission
from flows.mcp.agent_schema import agent_definition, can_be_called_alone, tool_name
from flows.mcp.composed_agents import ComposedAgents
from flows.mcp.pending_calls import PendingCalls
from flows.mcp.published import Progress, PublishedTool
from flows.mcp.spending import Spending
from flows.spec.agent_registry import AgentRegistry, InstalledAgents

_HARMLESS: frozenset[Permission] = frozenset({"read_corpus", "fetch"})
"""What a tool may do that a client lets an agent call by itself: nothing is spent, written or started."""


class AgentTools:
    """Makes the tools, and runs their calls."""

    def __init__(self, config_dir: Path | None, spending: Spending, registry: AgentRegistry | None = None) -> None:
        self._registry: AgentRegistry = registry if registry is not None else InstalledAgents()
        self._composed = ComposedAgents(config_dir, registry)
        self._pending = PendingCalls()
        self._spending = spending

    def tools(self, model_names: str, functions: Sequence[Tool] = ()) -> list[PublishedTool]:
        """One tool for each agent that can be called alone. `model_names` are shown to whoever has to choose one.

        `functions` are published, too; agents may be given those that can do no more than read.
        """
        agents = {name: self._registry[name] for name in sorted(self._registry)}
        usable = {one.name: one.permissions for one in functions if _HARMLESS.issuperset(one.permissions)}
        return [
            PublishedTool(agent_definition(name, agent, model_names, usable), partial(self._call, name))
            for name, agent in agents.items()
            if can_be_called_alone(agent) and (usable or not agent.uses_tools)
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
        call = await self._composed.get(name, given, budget, tool_name(name))
        shared = self._spending.of_call(call.study, tool_name(name), budget)
        record = as_record(str(text))
        await import_services()
        async with asyncio.timeout(call.study.run.timeout_seconds):
            output = await call_agent(call, record, shared)
        return typed_output(call, output).model_dump(mode="json")
