"""Embedding: which model makes the vectors of a corpus."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from contract.base import Frozen


def _name_alone(value: Any) -> Any:
    return {"model": value} if isinstance(value, str) else value


class EmbeddingSettings(Frozen):
    """A model of `models:` whose service makes vectors by OpenAI's protocol, and how it is asked."""

    model: str = Field(min_length=1)
    dimensions: int | None = Field(default=None, ge=8, le=8192)
    """The length of the vectors, for services that can shorten them; None for their own."""
    query_prefix: str = Field(default="", max_length=500)
    """What stands before a question, as some models ask for: `query: `."""
    passage_prefix: str = Field(default="", max_length=500)
    """What stands before a passage: `passage: `."""
    batch: int = Field(default=64, ge=1, le=2048)
    """Texts of one request."""


Embedding = Annotated[EmbeddingSettings, BeforeValidator(_name_alone)]
"""The settings; a name alone is the name of the model."""
