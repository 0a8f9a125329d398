"""Tools: what an agent offers, and a typed request to use it."""

from __future__ import annotations

from pydantic import Field

from contract.base import Frozen, FrozenMap


class AgentToolDefinition(Frozen):
    """What a step or tool can be asked to do, as a host or an MCP client sees it."""

    name: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")
    description: str
    input_schema: FrozenMap
    """JSON schema of the arguments."""


class UnifiedRequest(Frozen):
    """A request to one step: its name and its arguments. `stop` as the name ends a route."""

    step: str
    arguments: FrozenMap = Field(default_factory=dict, validate_default=True)
    reason: str = ""
    """Why this step, in the host's words; shown in the run, never executed."""
