"""Converts pydantic-ai's response into a `ModelReply`."""

from __future__ import annotations

from datetime import datetime

from pydantic_ai.messages import ModelResponse, TextPart, ThinkingPart, ToolCallPart

from agents.llms.hosted.call_cost import response_cost
from agents.llms.json_reply import parse_json, without_thoughts
from contract.calls import FinishReason, ModelReply, ModelRequest, Usage
from contract.errors import ReplyBroken
from contract.models import HostedModel

_FINISH_REASONS: dict[str, FinishReason] = {"length": "length", "content_filter": "refusal"}


def to_reply(
    response: ModelResponse, request: ModelRequest, config: HostedModel, started: datetime, ended: datetime
) -> ModelReply:
    """The `ModelReply` of `response`. Raises ReplyBroken if the service reports a failure during the reply."""
    if response.finish_reason == "error":
        raise ReplyBroken(f"model '{request.model}': the service reports that it failed while writing the reply")
    text = _text(response)
    usage = Usage(
        input_tokens=response.usage.input_tokens,
        output_tokens=response.usage.output_tokens,
        cached_input_tokens=response.usage.cache_read_tokens,
    )
    finish = _FINISH_REASONS.get(response.finish_reason or "stop", "stop")
    if finish == "stop" and _only_thought(response, text, request.settings.with_defaults(config.settings).max_tokens):
        # Its tokens went into thinking, whatever name the service has for that end.
        finish = "length"
    return ModelReply(
        text=text,
        parsed=parse_json(text) if request.output_schema is not None and finish != "refusal" else None,
        finish_reason=finish,
        usage=usage,
        cost_usd=response_cost(response, usage, config),
        served_by=response.model_name,
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


def _text(response: ModelResponse) -> str:
    calls = [part.args_as_json_str() for part in response.parts if isinstance(part, ToolCallPart)]
    if calls:
        return calls[0]
    text = "".join(part.content for part in response.parts if isinstance(part, TextPart))
    declined = (response.provider_details or {}).get("refusal")
    return text or (declined if isinstance(declined, str) else "")
