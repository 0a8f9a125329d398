"""What the server publishes: tools with what a call does, and texts to read."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from contract.base import JsonValue
from contract.tools import AgentToolDefinition, Permission

Progress = Callable[[float, float | None, str], Awaitable[None]]
"""Receives how much is done, how much there is at most, and a sentence."""
TOKEN_VARIABLE = "BUTTERMILK_MCP_TOKEN"  # noqa: S105 - the name of a variable
"""The environment variable that may hold the token of a server over HTTP."""
ALLOWABLE: tuple[Permission, ...] = ("write_files", "start_flow")
"""What functions of packages may do only where whoever starts the server allows it."""
CORPUS_SCHEMA: dict[str, Any] = {"type": "string", "description": "The storage that is searched, for example osb."}
MAX_CALL_SECONDS = 50.0
"""How long a call may take. Clients give up after a minute; what takes longer goes on, and is asked for again."""


def object_schema(
    properties: Mapping[str, Any], required: Sequence[str], definitions: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The JSON schema of an object with no other properties. Of `definitions`, those stay that are referred to."""
    schema: dict[str, Any] = {"type": "object", "properties": dict(properties), "required": list(required)}
    schema["additionalProperties"] = False
    text = json.dumps([schema, definitions])
    used = {name: one for name, one in (definitions or {}).items() if f"#/$defs/{name}" in text}
    return {**schema, "$defs": used} if used else schema


@dataclass(frozen=True)
class PublishedTool:
    """A tool that clients may call. `call` receives arguments that fit its schema."""

    definition: AgentToolDefinition
    call: Callable[[Mapping[str, Any], Progress], Awaitable[JsonValue]]


@dataclass(frozen=True)
class Material:
    """A text that clients may read: a report, a passage, a criterion."""

    uri: str
    name: str
    text: str = ""
    description: str = ""
    mime_type: str = "text/markdown"
