"""What the server publishes: tools with what a call does, and texts to read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from contract.base import JsonValue
from contract.tools import AgentToolDefinition

Progress = Callable[[float, float | None, str], Awaitable[None]]
"""Receives how much is done, how much there is at most, and a sentence."""
MAX_CALL_SECONDS = 50.0
"""How long a call may take. Clients give up after a minute; what takes longer goes on, and is asked for again."""


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
