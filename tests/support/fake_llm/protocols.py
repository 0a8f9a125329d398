"""The three protocols: what a request asks for, and how replies and errors look on the wire."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

Finish = Literal["stop", "length", "refusal", "blocked", "thought"]
CHARACTERS_PER_TOKEN = 4


_ABSURD_TOKENS = 10**30


class _Protocol:
    """What the three protocols share: replies that say something unusual of themselves."""

    usage_key: ClassVar[str] = "usage"
    token_keys: ClassVar[tuple[str, str]]
    """Names of the input's and the output's tokens."""

    def miscount(self, reply: dict[str, Any], usage: str) -> None:
        """Changes what the reply says of its tokens: see `Rule.usage`."""
        into, out = self.token_keys
        counted: dict[str, Any] = reply[self.usage_key]
        match usage:
            case "missing":
                del reply[self.usage_key]
            case "null":
                reply[self.usage_key] = None
            case "negative":
                counted |= {into: -5, out: -7}
            case "absurd":
                counted |= {into: _ABSURD_TOKENS, out: _ABSURD_TOKENS}
            case "no output":
                counted[out] = 0
            case "null counts":
                counted |= {into: None, out: None}
            case "words":
                counted |= {into: "many", out: "few"}
            case "no total":
                counted.pop("total_tokens", None)
            case _:
                pass


@dataclass(frozen=True)
class ParsedRequest:
    """A request, whatever the protocol."""

    model: str
    schema: dict[str, Any] | None
    tool_name: str | None
    """Name of the tool that the reply must call, where the schema came as a tool's."""
    tokens: int


class OpenAI(_Protocol):
    """POST …/chat/completions"""

    token_keys = ("prompt_tokens", "completion_tokens")

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
        out = text_tokens(text)
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

    def end_with(self, reply: dict[str, Any], word: str) -> None:
        """Ends the reply with that word."""
        reply["choices"][0]["finish_reason"] = word

    def error(self, status: int, message: str, code: str | None) -> dict[str, Any]:
        """An error body."""
        return {"error": {"message": message, "type": "fake_error", "param": None, "code": code}}


class Anthropic(_Protocol):
    """POST …/v1/messages"""

    token_keys = ("input_tokens", "output_tokens")

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
                "output_tokens": text_tokens(text),
                "cache_read_input_tokens": 3,
                "cache_creation_input_tokens": 0,
            },
        }

    def end_with(self, reply: dict[str, Any], word: str) -> None:
        """Ends the reply with that word."""
        reply["stop_reason"] = word

    def error(self, status: int, message: str, code: str | None) -> dict[str, Any]:
        """An error body."""
        kind = code or self._TYPES.get(status, "invalid_request_error" if status < 500 else "api_error")
        return {"type": "error", "error": {"type": kind, "message": message}}


class Gemini(_Protocol):
    """POST …/models/<model>:generateContent"""

    usage_key = "usageMetadata"
    token_keys = ("promptTokenCount", "candidatesTokenCount")

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
        out = text_tokens(text)
        reasons = {"stop": "STOP", "length": "MAX_TOKENS", "refusal": "SAFETY", "thought": "STOP"}
        candidate = {"content": {"role": "model", "parts": [part]}, "finishReason": reasons[finish], "index": 0}
        counts |= {"candidatesTokenCount": out, "totalTokenCount": request.tokens + out}
        return served | {"candidates": [candidate], "usageMetadata": counts}

    def end_with(self, reply: dict[str, Any], word: str) -> None:
        """Ends the reply with that word, and without a text."""
        reply["candidates"] = [{"finishReason": word, "index": 0}]

    def error(self, status: int, message: str, code: str | None) -> dict[str, Any]:
        """An error body."""
        named = code or self._STATUSES.get(status, "INTERNAL" if status == 500 else "UNAVAILABLE")
        return {"error": {"code": status, "message": message, "status": named}}


Protocol = OpenAI | Anthropic | Gemini


def text_tokens(text: str) -> int:
    """The tokens of a reply; any text has one at least."""
    return max(len(text) // CHARACTERS_PER_TOKEN, 1 if text else 0)


def _first(listed: list[dict[str, Any]] | None) -> dict[str, Any]:
    return listed[0] if listed else {}


def _tokens(body: dict[str, Any]) -> int:
    asked = body.get("messages") or body.get("contents") or ""
    return 3 + len(json.dumps(asked)) // CHARACTERS_PER_TOKEN
