"""Registry: finds tools through entry points, and loads them.

A tool in another package is added with two lines in its pyproject.toml:

    [project.entry-points."buttermilk.tools"]
    my_tool = "my_package.my_tools:my_tool"
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from agents.tools.tool import Tool

ENTRY_POINT_GROUP = "buttermilk.tools"


@cache
def installed_tools() -> Mapping[str, EntryPoint]:
    """Every tool on this machine by name, not yet imported."""
    return {entry.name: entry for entry in entry_points(group=ENTRY_POINT_GROUP)}


def load_tool(name: str) -> Tool:
    """The tool of that name. Raises KeyError if there is none, TypeError if it is not a `Tool`."""
    loaded: Any = installed_tools()[name].load()
    if not isinstance(loaded, Tool):
        raise TypeError(f"the entry point '{name}' in group {ENTRY_POINT_GROUP} is no function with @tool")
    return loaded if loaded.name == name else replace(loaded, name=name)
