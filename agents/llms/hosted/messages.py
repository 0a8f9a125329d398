"""Converts messages of the contract into those of pydantic-ai."""

from __future__ import annotations

import base64
from collections.abc import Sequence

from pydantic_ai import messages as pydantic_ai_messages

from contract.calls import Message, Part, TextPart
from contract.record import ImagePart


def to_history(messages: Sequence[Message], *, sees_images: bool) -> list[pydantic_ai_messages.ModelMessage]:
    """The messages in order. Adjacent system and user messages share one request, as the protocols expect."""
    history: list[pydantic_ai_messages.ModelMessage] = []
    request_parts: list[pydantic_ai_messages.ModelRequestPart] = []
    for message in messages:
        if message.role == "assistant":
            if request_parts:
                history.append(pydantic_ai_messages.ModelRequest(parts=request_parts))
                request_parts = []
            history.append(pydantic_ai_messages.ModelResponse(parts=[pydantic_ai_messages.TextPart(message.text)]))
        elif message.role == "system":
            request_parts.append(pydantic_ai_messages.SystemPromptPart(message.text))
        else:
            request_parts.append(pydantic_ai_messages.UserPromptPart(_content(message.parts, sees_images)))
    if request_parts:
        history.append(pydantic_ai_messages.ModelRequest(parts=request_parts))
    return history


def _content(parts: Sequence[Part], sees_images: bool) -> str | list[pydantic_ai_messages.UserContent]:
    if all(isinstance(part, TextPart) for part in parts):
        return "".join(part.text for part in parts if isinstance(part, TextPart))
    return [part.text if isinstance(part, TextPart) else _picture(part.image, sees_images) for part in parts]


def _picture(image: ImagePart, sees_images: bool) -> pydantic_ai_messages.UserContent:
    # The address of a picture is never sent: the provider would fetch it, and its owner would learn what is studied.
    if sees_images and image.data:
        return pydantic_ai_messages.BinaryContent(base64.b64decode(image.data), media_type=image.mime)
    return f"[picture: {image.alt_text}]" if image.alt_text else "[picture without a description]"
