"""Functions marked with `@MCPRoute` as tools, of every package that names them in the group of entry points."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import partial
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, cast

from agents.tools.registry import installed_tools, load_tool
from agents.tools.tool import Tool
from contract.base import JsonValue, thawed
from contract.tools import AgentToolDefinition, Permission
from flows.mcp.composed_agents import ComposedAgents
from flows.mcp.permits import Permits
from flows.mcp.published import CORPUS_SCHEMA, Progress, PublishedTool
from flows.mcp.spending import BUDGET_OF_TOOL_SCHEMA
from flows.spec.study import Study

_LOG = logging.getLogger(__name__)
_CORPUS, _BUDGET = "corpus", "budget"


def marked_functions() -> list[Tool]:
    """The installed tools that are marked. One that cannot be loaded is left out, and the log says why."""
    tools = (_loaded(name, entry) for name, entry in sorted(installed_tools().items()))
    return [tool for tool in tools if tool and tool.published]


def _loaded(name: str, entry: EntryPoint) -> Tool | None:
    try:
        return load_tool(name)
    except Exception as error:  # another package's tool may fail in any way while it is imported
        package = f" of {entry.dist.name} {entry.dist.version}" if entry.dist else ""
        _LOG.warning("the tool '%s'%s cannot be loaded: %s: %s", name, package, type(error).__name__, error)
        return None


def published_functions(tools: Iterable[Tool], config_dir: Path | None, permits: Permits) -> list[PublishedTool]:
    """Those tools as the server publishes them."""
    composed = ComposedAgents(config_dir)
    return [as_published(tool, composed, permits) for tool in tools]


def as_published(tool: Tool, composed: ComposedAgents, permits: Permits) -> PublishedTool:
    """A marked function as the server calls it.

    One that reads a corpus is told which, as no flow names it here; one that spends is given a budget.
    """
    return PublishedTool(_definition(tool, permits), partial(_call, tool, composed, permits))


def _definition(tool: Tool, permits: Permits) -> AgentToolDefinition:
    schema = cast("dict[str, Any]", thawed(tool.definition.input_schema))
    own: dict[str, Any] = schema.get("properties", {})
    properties, added = dict(own), list[str]()
    for name, adds, property_schema in (
        (_CORPUS, _adds(tool, "read_corpus", _CORPUS), CORPUS_SCHEMA),
        (_BUDGET, "spend" in tool.permissions, BUDGET_OF_TOOL_SCHEMA),
    ):
        if adds:
            properties[name] = {**property_schema, **own.get(name, {})}
            added.append(name)
    required = list(dict.fromkeys([*schema.get("required", []), *added]))
    update = {
        "input_schema": {**schema, "properties": properties, "required": required},
        "description": f"{tool.description}{permits.sentence(tool.permissions)}",
    }
    return tool.definition.model_copy(update=update)


def _adds(tool: Tool, permission: Permission, argument: str) -> bool:
    """Whether the server adds an argument for that permission, which the function does not name itself."""
    return permission in tool.permissions and argument not in tool.definition.input_schema.get("properties", {})  # type: ignore[reportOperatorIssue]


async def _call(
    tool: Tool, composed: ComposedAgents, permits: Permits, arguments: Mapping[str, Any], _: Progress
) -> JsonValue:
    # Composing is imported by the first call, so that the list of tools does not wait for it.
    from flows.api.agent import import_services, open_one_call

    permits.check(tool.name, tool.permissions)
    given = dict(arguments)
    corpus = str(given.pop(_CORPUS)) if _adds(tool, "read_corpus", _CORPUS) else None
    amount = Decimal(str(given[_BUDGET])) if "spend" in tool.permissions else None
    if _adds(tool, "spend", _BUDGET):
        del given[_BUDGET]
    study = await _study(corpus, composed, tool.name)
    await import_services()
    async with open_one_call(study) as services, permits.spending.of_tool(tool.name, amount):
        return await tool.call(given, services)


async def _study(corpus: str | None, composed: ComposedAgents, tool: str) -> Study:
    """What a call without a model needs: the services of a study, with a corpus or without."""
    if corpus is None:
        return (await composed.get("citation_checker", {}, None, tool)).study
    return (await composed.get("search", {"queries": ["passages"], "corpus": corpus}, None, tool)).study
