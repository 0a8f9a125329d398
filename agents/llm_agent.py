"""LLMAgent: asks a model with a template of the study's own, and keeps its text."""

from __future__ import annotations

from pydantic import Field

from agents.base.structured_agent import LLMParameters, StructuredAgent
from contract.base import AnyJson, Frozen


class LLMAgentParameters(LLMParameters):
    """Parameters of the plain `llm` agent; `instructions` is free text for its template."""

    instructions: str = ""


class LLMAgentInputs(Frozen):
    """Inputs of the plain `llm` agent; `material` can be any upstream value."""

    material: AnyJson = None


class TextReply(Frozen):
    """A plain written reply."""

    text: str = Field(min_length=1, max_length=20_000)


class LLMAgent(StructuredAgent[LLMAgentInputs, LLMAgentParameters, TextReply]):
    """Asks a model with a template of the study's own and keeps its text: a new agent without any Python."""

    Inputs = LLMAgentInputs
    Parameters = LLMAgentParameters
    Output = TextReply
    Reply = TextReply
