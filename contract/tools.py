"""Tools: what can be called, and a typed request to call it. Hosts, agents and MCP clients all use these two shapes."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from contract.base import Frozen, FrozenMap, thawed

Permission = Literal["read_corpus", "fetch", "write_files", "spend", "start_flow"]
"""read_corpus: sees the flow's corpus; fetch: sends requests to the internet; write_files: writes outside the run's own
folder; spend: may cost money; start_flow: starts a run that goes on after the call."""


RUN_AGENT, START_FLOW = "run_", "start_"
"""How the names of the tools begin by which the MCP server runs an agent and starts a flow."""
WATCH_RUN, READ_RUN, CANCEL_RUN = "watch_run", "read_run", "cancel_run"


def is_name_of_ours(tool: str) -> bool:
    """Whether the MCP server has, or could have, a tool of that name for an agent, a flow or a run."""
    return tool.startswith((RUN_AGENT, START_FLOW)) or tool in (WATCH_RUN, READ_RUN, CANCEL_RUN)


STOP = "stop"
"""The target of a request that ends a route."""


class AgentToolDefinition(Frozen):
    """What a step, an agent or a tool can be asked to do, as a host, a model or an MCP client sees it."""

    name: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_-]*)?$", max_length=128)
    """For a tool of an outside server, the server's name stands before a dot."""
    description: str
    input_schema: FrozenMap
    """JSON schema of the arguments: an object."""
    output_schema: FrozenMap | None = None
    """JSON schema of the result; None where it is not known before the call."""
    permissions: tuple[Permission, ...] = ()
    """What a call may do beyond computing its result."""

    @property
    def takes_queries(self) -> bool:
        """Whether it searches: its argument `queries` is a list."""
        properties: dict[str, Any] = thawed(self.input_schema).get("properties", {})
        return properties.get("queries", {}).get("type") == "array"


class UnifiedRequest(Frozen):
    """A request to one tool or step."""

    target: str
    """Its name; `stop` ends a route."""
    inputs: FrozenMap = Field(default_factory=dict, validate_default=True)
    """The arguments, which fit the target's input schema."""
    context: FrozenMap = Field(default_factory=dict, validate_default=True)
    """What the request belongs to: run, record, step, round. Never part of what the target computes with."""
    metadata: FrozenMap = Field(default_factory=dict, validate_default=True)
    """What people read about it, for example `reason`, in the words of who asks. Shown, never executed."""


class HostChoice(Frozen):
    """What a model replies that chooses: a step, its arguments, and why."""

    target: str
    inputs: FrozenMap = Field(default_factory=dict, validate_default=True)
    reason: str = ""

    def request(self) -> UnifiedRequest:
        """Returns the choice as a request."""
        return UnifiedRequest(target=self.target, inputs=self.inputs, metadata={"reason": self.reason})


class FollowUpDraft(Frozen):
    """The reply asked of an explorer."""

    reason: str = Field(max_length=600)
    """What the last answers leave open."""
    question: str = Field(default="", max_length=300)
    """The next question to the corpus, complete in itself; empty when nothing is left to ask."""
    queries: tuple[str, ...] = Field(default=(), max_length=5)
    """What to search for, in the words of the documents."""
