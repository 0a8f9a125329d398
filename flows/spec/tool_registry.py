"""The tools that steps may name, each imported only when a flow uses it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from agents.base.services import AgentServices
from agents.tools.registry import load_tool
from agents.tools.tool import Tool
from contract.base import JsonValue
from contract.flow import FlowSpec
from contract.tools import AgentToolDefinition
from flows.spec.nodes import steps_of

CallTool = Callable[[Mapping[str, JsonValue], AgentServices], Awaitable[JsonValue]]


@dataclass(frozen=True)
class StepTool:
    """A tool as a step uses it, whether it is ours or an outside server's."""

    definition: AgentToolDefinition
    call: CallTool
    """Returns the result as JSON. Raises CellError, whose text is written for who asked."""
    origin: JsonValue = None
    """What its results depend on beside definition and arguments: the server that it belongs to."""
    timeout_seconds: float = 120.0
    is_priced: bool = True
    """False where nobody says what a call costs."""


def used_tools(spec: FlowSpec) -> list[str]:
    """The names of all tools that the flow's steps use, each once, in order."""
    return list(dict.fromkeys(name for step in steps_of(spec).values() for name in step.tools))


def installed_step_tools(spec: FlowSpec) -> dict[str, StepTool]:
    """Our tools, and those of packages, that the flow uses. Those of outside servers, `server.tool`, are left out."""
    return {name: step_tool(load_tool(name)) for name in used_tools(spec) if not server_of(name)}


def server_of(tool: str) -> str:
    """The outside server whose tool that is; empty for a tool of this machine."""
    server, dot, _ = tool.partition(".")
    return server if dot else ""


def step_tool(tool: Tool) -> StepTool:
    """A function with `@tool`, for a step."""
    return StepTool(tool.definition, tool.call)
