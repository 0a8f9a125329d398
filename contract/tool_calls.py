"""What an agent that uses tools does: its calls, each with its result, and what it answers in the end."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Literal

from pydantic import Field

from contract.base import AnyJson, Frozen, FrozenMap
from contract.questions import Answer

Decision = Literal["approved", "modified", "rejected"]


class ToolCall(Frozen):
    """One call of a tool as the trace keeps it."""

    key: str
    """Digest of the tool, its definition and the arguments: equal keys mean the same call."""
    tool: str
    arguments: FrozenMap = Field(default_factory=dict, validate_default=True)
    """What the tool was called with; after a person's change, what they wrote."""
    result: AnyJson = None
    error: str | None = None
    """Why there is no result, in the words that the model is shown."""
    decision: Decision | None = None
    """What a person decided who was asked; None where nobody had to be."""
    answer: Answer | None = Field(default=None, exclude_if=lambda value: value is None)
    """Who decided so, when and why."""
    question: str | None = Field(default=None, exclude_if=lambda value: value is None)
    """The key of the question that the person was asked; None where nobody was, and in traces of earlier versions."""
    cost_usd: Decimal | None = Decimal(0)
    """US dollars; None where the tool belongs to another server, which does not say."""
    started: datetime
    ended: datetime
    from_cache: bool = False
    """True where the result is that of an earlier call and was only read again."""


class ToolRequest(Frozen):
    """A call that a model asks for."""

    tool: str
    arguments: FrozenMap = Field(default_factory=dict, validate_default=True)


class ToolRequests(Frozen):
    """The calls of one turn."""

    calls: tuple[ToolRequest, ...] = Field(min_length=1)


class FinalAnswer(Frozen):
    """The answer that ends a conversation."""

    answer: str = Field(min_length=1)


class ToolTurn(Frozen):
    """What a model replies that uses tools: calls, or its answer."""

    next: ToolRequests | FinalAnswer


class ToolUserAnswer(Frozen):
    """What an agent found out with its tools."""

    answer: str = Field(min_length=1)
    """The model's own words. Nothing in them is checked."""
    ended: Literal["answered", "at_bound"] = "answered"
    """at_bound: the model answered because no further call was allowed."""
    rounds: int = 0
    """Turns in which tools were called."""
    calls: int = 0
    """Calls that were made, failed ones included."""
