"""Registry: finds tools through entry points, and loads them.

A tool in another package is added with two lines in its pyproject.toml:

    [project.entry-points."buttermilk.tools"]
    my_tool = "my_package.my_tools:my_tool"
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import EntryPoint
from typing import Any

from agents.base.entry_points import offers
from agents.tools.tool import Tool

ENTRY_POINT_GROUP = "buttermilk.tools"


def installed_tools() -> Mapping[str, EntryPoint]:
    """Every tool on this machine by name, not yet imported."""
    return {name: found[0].entry for name, found in offers(ENTRY_POINT_GROUP).items()}


def load_tool(name: str) -> Tool:
    """The tool of that name. Raises KeyError if there is none, TypeError if it is no `Tool` or cannot be described."""
    entry = installed_tools()[name]
    try:
        loaded: Any = entry.load()
    except SystemExit as error:
        raise ImportError("its module ends the program while it is imported (SystemExit)") from error
    if not isinstance(loaded, Tool):
        raise TypeError(f"the entry point '{name}' in group {ENTRY_POINT_GROUP} is no function with @tool")
    named = loaded if loaded.name == name else replace(loaded, name=name)
    named.check()
    return named
