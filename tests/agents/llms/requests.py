"""Requests shared by the tests of models."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel

from contract.calls import Message, ModelRequest, ModelSettings, Part, Role, TextPart, json_schema_of


def text_message(role: Role, text: str) -> Message:
    """One turn of plain text."""
    return Message(role=role, parts=(TextPart(text=text),))


def make_request(
    text: str = "Does it hold?",
    *,
    output: type[BaseModel] | None = None,
    parts: Sequence[Part] = (),
    max_tokens: int = 500,
    temperature: float | None = None,
    repeat: int = 0,
) -> ModelRequest:
    """A request of a system and a user turn."""
    user_message = Message(role="user", parts=tuple(parts)) if parts else text_message("user", text)
    return ModelRequest(
        model="m",
        model_fingerprint="f",
        messages=(text_message("system", "Be brief."), user_message),
        settings=ModelSettings(max_tokens=max_tokens, temperature=temperature),
        output_name=output.__name__ if output else None,
        output_schema=json_schema_of(output) if output else None,
        repeat=repeat,
    )
