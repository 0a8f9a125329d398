"""Functions marked with `@MCPRoute` as tools: those that packages name in the entry-point group `buttermilk.tools`."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from agents.tools.tool import Tool
from contract.base import JsonValue
from flows.api.agent import import_services, open_one_call
from flows.compose.one_agent import compose_agent
from flows.mcp.published import Progress, PublishedTool

ENTRY_POINT_GROUP = "buttermilk.tools"
"""Each entry names one tool, or a module whose tools are all published that are marked."""


def published_functions(config_dir: Path | None) -> list[PublishedTool]:
    """The tools that are marked, of every installed package."""
    found = (tool for entry in entry_points(group=ENTRY_POINT_GROUP) for tool in _tools_of(entry.load()))
    return [as_published(tool, config_dir) for tool in found if tool.published]


def as_published(tool: Tool, config_dir: Path | None) -> PublishedTool:
    """A marked function as the server calls it."""
    return PublishedTool(tool.definition, partial(_call, tool, config_dir))


def _tools_of(loaded: Any) -> Iterator[Tool]:
    if isinstance(loaded, Tool):
        yield loaded
    elif inspect.ismodule(loaded):
        yield from (value for value in vars(loaded).values() if isinstance(value, Tool))


async def _call(tool: Tool, config_dir: Path | None, arguments: Mapping[str, Any], _: Progress) -> JsonValue:
    await import_services()
    # The services of a call without a model and without a corpus.
    study = compose_agent("citation_checker", {}, config_dir).study
    async with open_one_call(study) as services:
        return await tool.call(arguments, services)
