"""Our messages as pydantic-ai's."""

from __future__ import annotations

import base64
from collections.abc import Sequence

from pydantic_ai import messages as theirs

from contract.calls import Message, Part, TextPart
from contract.record import ImagePart


def to_history(messages: Sequence[Message], *, sees_images: bool) -> list[theirs.ModelMessage]:
    """The turns in order; neighbouring system and user messages share one request, as the protocols expect."""
    history: list[theirs.ModelMessage] = []
    request_parts: list[theirs.ModelRequestPart] = []
    for message in messages:
        if message.role == "assistant":
            if request_parts:
                history.append(theirs.ModelRequest(parts=request_parts))
                request_parts = []
            history.append(theirs.ModelResponse(parts=[theirs.TextPart(message.text)]))
        elif message.role == "system":
            request_parts.append(theirs.SystemPromptPart(message.text))
        else:
            request_parts.append(theirs.UserPromptPart(_content(message.parts, sees_images)))
    if request_parts:
        history.append(theirs.ModelRequest(parts=request_parts))
    return history


def _content(parts: Sequence[Part], sees_images: bool) -> str | list[theirs.UserContent]:
    if all(isinstance(part, TextPart) for part in parts):
        return "".join(part.text for part in parts if isinstance(part, TextPart))
    return [part.text if isinstance(part, TextPart) else _picture(part.image, sees_images) for part in parts]


def _picture(image: ImagePart, sees_images: bool) -> theirs.UserContent:
    # An address alone is never sent: the provider would fetch it, and its owner would learn what is being studied.
    if sees_images and image.data:
        return theirs.BinaryContent(base64.b64decode(image.data), media_type=image.mime)
    return f"[picture: {image.alt_text}]" if image.alt_text else "[picture without a description]"
