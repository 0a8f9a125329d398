"""Registry: finds agents through entry points, and loads them.

An agent in another package is added with three lines in its pyproject.toml:

    [project.entry-points."buttermilk.agents"]
    my_agent = "my_package.my_agent:MyAgent"
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import EntryPoint
from typing import Any

from agents.base.agent import Agent
from agents.base.entry_points import offers

ENTRY_POINT_GROUP = "buttermilk.agents"


def installed_agents() -> Mapping[str, EntryPoint]:
    """Every agent on this machine by name, not yet imported."""
    return {name: found[0].entry for name, found in offers(ENTRY_POINT_GROUP).items()}


def load_agent(name: str) -> type[Agent[Any, Any]]:
    """The agent class of that name. Raises KeyError if there is none, TypeError if it is not an Agent."""
    loaded: Any = installed_agents()[name].load()
    if not (isinstance(loaded, type) and issubclass(loaded, Agent)):
        raise TypeError(
            f"the entry point '{name}' in group {ENTRY_POINT_GROUP} is not a subclass of agents.base.agent.Agent"
        )
    return loaded  # type: ignore[reportUnknownVariableType]
