"""The three protocols: what a request asks for, and how replies and errors look on the wire."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

Finish = Literal["stop", "length", "refusal", "blocked", "thought"]
CHARACTERS_PER_TOKEN = 4


@dataclass(frozen=True)
class ParsedRequest:
    """A request, whatever the protocol."""

    model: str
    schema: dict[str, Any] | None
    tool_name: str | None
    """Name of the tool that the reply must call, where the schema came as a tool's."""
    tokens: int


class OpenAI:
    """POST …/chat/completions"""

    def read(self, model: str, body: dict[str, Any]) -> ParsedRequest:
        """Reads what the request asks for."""
        tool: dict[str, Any] = _first(body.get("tools")).get("function", {})
        schema = body.get("response_format", {}).get("json_schema", {}).get("schema")
        return ParsedRequest(model, schema or tool.get("parameters"), tool.get("name"), _tokens(body))

    def reply(self, request: ParsedRequest, text: str, finish: Finish) -> dict[str, Any]:
        """A chat completion."""
        message: dict[str, Any] = {"role": "assistant", "content": text, "refusal": None}
        if finish == "refusal":
            message |= {"content": None, "refusal": text}
        elif finish == "thought":
            message |= {"content": "", "reasoning_content": text}
        elif request.tool_name:
            call = {"id": "call_1", "type": "function", "function": {"name": request.tool_name, "arguments": text}}
            message |= {"content": None, "tool_calls": [call]}
        reasons = {
            "stop": "stop",
            "length": "length",
            "refusal": "stop",
            "blocked": "content_filter",
            "thought": "stop",
        }
        out = len(text) // CHARACTERS_PER_TOKEN
        return {
            "id": "chatcmpl-fake",
            "object": "chat.completion",
            "created": 1_700_000_000,
            "model": f"{request.model}-served",
            "choices": [{"index": 0, "message": message, "finish_reason": reasons[finish], "logprobs": None}],
            "usage": {
                "prompt_tokens": request.tokens,
                "completion_tokens": out,
                "total_tokens": request.tokens + out,
                "prompt_tokens_details": {"cached_tokens": 3},
            },
        }

    def error(self, status: int, message: str, code: str | None) -> dict[str, Any]:
        """An error body."""
        return {"error": {"message": message, "type": "fake_error", "param": None, "code": code}}


class Anthropic:
    """POST …/v1/messages"""

    _TYPES: ClassVar = {
        401: "authentication_error",
        404: "not_found_error",
        429: "rate_limit_error",
        529: "overloaded_error",
    }

    def read(self, model: str, body: dict[str, Any]) -> ParsedRequest:
        """Reads what the request asks for."""
        tool = _first(body.get("tools"))
        config: dict[str, Any] = body.get("output_config", {}).get("format") or body.get("output_format") or {}
        return ParsedRequest(model, config.get("schema") or tool.get("input_schema"), tool.get("name"), _tokens(body))

    def reply(self, request: ParsedRequest, text: str, finish: Finish) -> dict[str, Any]:
        """A message."""
        content: list[dict[str, Any]] = [{"type": "text", "text": text}]
        if request.tool_name and finish == "stop":
            content = [{"type": "tool_use", "id": "toolu_1", "name": request.tool_name, "input": json.loads(text)}]
        if finish == "thought":
            content = [{"type": "thinking", "thinking": text, "signature": "s"}]
        reasons = {"stop": "end_turn", "length": "max_tokens", "refusal": "refusal", "blocked": "refusal"}
        return {
            "id": "msg_fake",
            "type": "message",
            "role": "assistant",
            "model": f"{request.model}-served",
            "content": content,
            "stop_reason": reasons.get(finish, "end_turn"),
            "stop_sequence": None,
            "usage": {
                "input_tokens": request.tokens - 3,
                "output_tokens": len(text) // CHARACTERS_PER_TOKEN,
                "cache_read_input_tokens": 3,
                "cache_creation_input_tokens": 0,
            },
        }

    def error(self, status: int, message: str, code: str | None) -> dict[str, Any]:
        """An error body."""
        kind = code or self._TYPES.get(status, "invalid_request_error" if status < 500 else "api_error")
        return {"type": "error", "error": {"type": kind, "message": message}}


class Gemini:
    """POST …/models/<model>:generateContent"""

    _STATUSES: ClassVar = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED"}

    def read(self, model: str, body: dict[str, Any]) -> ParsedRequest:
        """Reads what the request asks for."""
        config: dict[str, Any] = body.get("generationConfig", {})
        declared = _first(_first(body.get("tools")).get("functionDeclarations"))
        schema = config.get("responseJsonSchema") or config.get("responseSchema")
        tool_schema = declared.get("parametersJsonSchema") or declared.get("parameters")
        return ParsedRequest(model, schema or tool_schema, declared.get("name"), _tokens(body))

    def reply(self, request: ParsedRequest, text: str, finish: Finish) -> dict[str, Any]:
        """A generated content, or the feedback on a blocked prompt."""
        served: dict[str, Any] = {"modelVersion": f"{request.model}-served", "responseId": "fake"}
        counts = {"promptTokenCount": request.tokens, "cachedContentTokenCount": 3}
        if finish == "blocked":
            feedback = {"blockReason": "PROHIBITED_CONTENT"}
            return served | {"promptFeedback": feedback, "usageMetadata": counts | {"totalTokenCount": request.tokens}}
        part: dict[str, Any] = {"text": text}
        if request.tool_name and finish == "stop":
            part = {"functionCall": {"name": request.tool_name, "args": json.loads(text)}}
        if finish == "thought":
            part = {"text": text, "thought": True}
        out = len(text) // CHARACTERS_PER_TOKEN
        reasons = {"stop": "STOP", "length": "MAX_TOKENS", "refusal": "SAFETY", "thought": "STOP"}
        candidate = {"content": {"role": "model", "parts": [part]}, "finishReason": reasons[finish], "index": 0}
        counts |= {"candidatesTokenCount": out, "totalTokenCount": request.tokens + out}
        return served | {"candidates": [candidate], "usageMetadata": counts}

    def error(self, status: int, message: str, code: str | None) -> dict[str, Any]:
        """An error body."""
        named = code or self._STATUSES.get(status, "INTERNAL" if status == 500 else "UNAVAILABLE")
        return {"error": {"code": status, "message": message, "status": named}}


Protocol = OpenAI | Anthropic | Gemini


def _first(listed: list[dict[str, Any]] | None) -> dict[str, Any]:
    return listed[0] if listed else {}


def _tokens(body: dict[str, Any]) -> int:
    asked = body.get("messages") or body.get("contents") or ""
    return 3 + len(json.dumps(asked)) // CHARACTERS_PER_TOKEN
