"""Opens the outside servers of tools that a flow uses, and notes what has changed in them since the flow last ran.

The list of a server's tools is kept beside the results: where the server cannot be reached, calls that are kept are
still found, and others fail with the reason.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from agents.base.services import AgentServices
from agents.tools.mcp.client import MCPConnection, ServerUnavailable, connect
from agents.tools.tool import ToolFailed
from contract.base import JsonValue, digest
from contract.errors import Problem, RunError, StudyError
from contract.flow import Step
from contract.tools import AgentToolDefinition
from flows.config.diagnostics import closest_name, join_names
from flows.files.run_data import RunData
from flows.results.store import ResultStore
from flows.results.tool_lists import keep_tool_list, kept_tool_list
from flows.spec.nodes import walk_nodes
from flows.spec.study import Study, ToolServer
from flows.spec.tool_registry import StepTool, server_of

Note = Callable[[str], None]


@dataclass(frozen=True)
class OpenedServers:
    """The tools of outside servers in one run."""

    tools: Mapping[str, StepTool]
    manifest: Mapping[str, JsonValue]
    """Server -> the digest of its tools that the study allows, and that of each."""


def _ignore(_: str) -> None:
    pass


@asynccontextmanager
async def open_tool_servers(study: Study, store: ResultStore, on_note: Note | None) -> AsyncGenerator[OpenedServers]:
    """The servers that the study uses, for the length of the block.

    Raises StudyError for a tool that its server does not have, and RunError where a server that was never reached
    before cannot be reached.
    """
    note, lists = on_note or _ignore, dict[str, Sequence[AgentToolDefinition]]()
    tools: dict[str, StepTool] = {}
    async with AsyncExitStack() as stack:
        for name, server in study.tool_servers.items():
            connection, lists[name] = await _open(name, server, store, stack, note)
            tools |= {one.name: _step_tool(one, server, connection) for one in lists[name]}
        _check_names(study, tools)
        found = {name: _digests(definitions) for name, definitions in lists.items()}
        for text in _changes(study, found):
            note(text)
        yield OpenedServers(tools, found)


async def _open(
    name: str, server: ToolServer, store: ResultStore, stack: AsyncExitStack, note: Note
) -> tuple[MCPConnection | str, Sequence[AgentToolDefinition]]:
    """The connection, or the reason why there is none, and the tools."""
    key = digest([name, server.config.identity, server.config.allow])
    try:
        connection = await stack.enter_async_context(connect(name, server.config, server.environment))
        definitions = await connection.definitions()
    except ServerUnavailable as error:
        if (kept := kept_tool_list(store, key)) is None:
            raise RunError(f"the tool server {error}") from None
        note(f"the tool server {error}; what its tools returned before is used, and new calls fail")
        return str(error), kept
    await keep_tool_list(store, key, definitions)
    return connection, definitions


def _step_tool(definition: AgentToolDefinition, server: ToolServer, connection: MCPConnection | str) -> StepTool:
    name = definition.name.partition(".")[2]
    return StepTool(
        definition,
        partial(_call, connection, name),
        server.config.identity,
        server.config.timeout_seconds,
        is_priced=False,
    )


async def _call(
    connection: MCPConnection | str,
    name: str,
    arguments: Mapping[str, JsonValue],
    services: AgentServices,  # noqa: ARG001
) -> JsonValue:
    if isinstance(connection, str):
        raise ToolFailed(f"the server {connection}")
    return await connection.call(name, arguments)


def _check_names(study: Study, tools: Mapping[str, StepTool]) -> None:
    problems = list[Problem]()
    for node in walk_nodes(study.flow, ("flows", study.flow.name)):
        for number, name in enumerate(node.node.tools if isinstance(node.node, Step) else ()):
            if (server := server_of(name)) and name not in tools:
                there = [one for one in tools if server_of(one) == server]
                where = study.provenance.where((*node.path, "tools", str(number)))
                what = f"the server '{server}' has no tool '{name}' that can be used"
                todo = f"it has {join_names(there) or 'none'}"
                problems.append(Problem(where, what, closest_name(name, there), todo))
    if problems:
        raise StudyError(problems)


def _digests(definitions: Sequence[AgentToolDefinition]) -> dict[str, JsonValue]:
    each: dict[str, JsonValue] = {one.name: digest(one) for one in definitions}
    return {"digest": digest(each), "tools": each}


def _changes(study: Study, found: Mapping[str, Any]) -> list[str]:
    """A sentence for each server whose tools are not what they were when the flow last ran."""
    try:
        manifest = RunData.open(study.run.folder / study.flow.name / "latest").manifest
    except RunError:
        return []
    before: Mapping[str, Any] = manifest.get("tool_servers", {})
    changed = [name for name in found if name in before and found[name]["digest"] != before[name]["digest"]]
    return [_change(name, before[name]["tools"], found[name]["tools"]) for name in changed]


def _change(name: str, before: Mapping[str, str], now: Mapping[str, str]) -> str:
    parts = {
        "new": now.keys() - before.keys(),
        "gone": before.keys() - now.keys(),
        "described otherwise": {one for one in now.keys() & before.keys() if now[one] != before[one]},
    }
    listed = "; ".join(f"{word}: {', '.join(sorted(tools))}" for word, tools in parts.items() if tools)
    return f"the tools of '{name}' have changed since this flow last ran ({listed}); look at them before you trust them"
