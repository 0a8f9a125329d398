"""Converts pydantic-ai's response into a `ModelReply`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from pydantic_ai.messages import ModelResponse, TextPart, ThinkingPart, ToolCallPart

from agents.llms.hosted.call_cost import response_cost, response_usage
from agents.llms.hosted.sent_settings import Sent
from agents.llms.json_reply import parse_json, without_thoughts
from agents.llms.storable import storable_text
from contract.calls import FinishReason, ModelReply, ModelRequest
from contract.models import HostedModel

_FINISH_REASONS: dict[str, FinishReason] = {"length": "length", "content_filter": "refusal", "error": "error"}
_REFUSALS = frozenset({"LANGUAGE", "NO_IMAGE"})
"""Providers' words for what they will not do, however often it is asked, where pydantic-ai reports an error."""
_BROKEN_OFF = frozenset({"error", "abort", "insufficient_system_resource"})
"""Words of servers with OpenAI's protocol for a reply that they did not write to its end, which pydantic-ai has no word
for; a part of it may have come."""


def to_reply(
    response: ModelResponse,
    request: ModelRequest,
    config: HostedModel,
    started: datetime,
    ended: datetime,
    sent: Mapping[str, Sent],
) -> ModelReply:
    """The `ModelReply` of `response`, to a request with the settings `sent`.

    A reply that the service broke off has the reason `error`: it is billed too. Raises LookupError where the body
    was no reply at all, of which Gemini's library makes an empty one.
    """
    if not (response.parts or response.finish_reason or response.usage.has_values()) and not _finish(response, "")[1]:
        raise LookupError("neither an answer, nor why there is none, nor what it cost")
    text = storable_text(_text(response))
    usage = response_usage(response, text)
    finish, detail = _finish(response, text)
    if finish == "stop" and _only_thought(response, text, request.settings.with_defaults(config.settings).max_tokens):
        # Its tokens went into thinking, whatever name the service has for that end.
        finish = "length"
    return ModelReply(
        text=text,
        parsed=parse_json(text) if request.output_schema is not None and finish != "refusal" else None,
        finish_reason=finish,
        finish_detail=None if finish == "stop" else detail,
        usage=usage,
        cost_usd=response_cost(response, usage, config),
        served_by=storable_text(response.model_name) if response.model_name else None,
        sent=sent or None,
        started=started,
        ended=ended,
    )


def _only_thought(response: ModelResponse, text: str, max_tokens: int) -> bool:
    """Whether the model thought and gave no answer. Asked again, it would think again, at the same price."""
    if without_thoughts(text):
        return False
    counted = any(count and ("reason" in name or "thought" in name) for name, count in response.usage.details.items())
    thought = any(isinstance(part, ThinkingPart) and part.content for part in response.parts)
    return bool(text) or thought or counted or response.usage.output_tokens >= max_tokens


def _finish(response: ModelResponse, text: str) -> tuple[FinishReason, str | None]:
    """Why the reply ended, and the provider's own word for it."""
    details = response.provider_details or {}
    word = details.get("finish_reason") or details.get("block_reason")
    detail = storable_text(word)[:80] if isinstance(word, str) else None
    if detail in _REFUSALS:
        return "refusal", detail
    if response.finish_reason is None and detail and (not text or detail in _BROKEN_OFF):
        # A reason that pydantic-ai has no word for, such as Gemini's OTHER, and nothing written.
        return "error", detail
    return _FINISH_REASONS.get(response.finish_reason or "stop", "stop"), detail


def _text(response: ModelResponse) -> str:
    calls = [part.args_as_json_str() for part in response.parts if isinstance(part, ToolCallPart)]
    if calls:
        return calls[0]
    text = "".join(part.content for part in response.parts if isinstance(part, TextPart))
    declined = (response.provider_details or {}).get("refusal")
    return text or (declined if isinstance(declined, str) else "")
