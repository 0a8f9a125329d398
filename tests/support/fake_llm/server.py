"""The server: a Starlette app over a `CallLog`, run in a thread or as a process."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from types import TracebackType
from typing import Any
from urllib.parse import unquote

import uvicorn
from pydantic import TypeAdapter
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.support.fake_llm.instances import minimal_instance
from tests.support.fake_llm.protocols import (
    Anthropic,
    Finish,
    Gemini,
    OpenAI,
    ParsedRequest,
    Protocol,
    text_tokens,
)
from tests.support.fake_llm.rules import CallLog, Rule

_FINISHES: dict[str, Finish] = {"length": "length", "refusal": "refusal", "blocked": "blocked", "thought": "thought"}


class _Service:
    def __init__(self, log: CallLog, latency: float) -> None:
        self._log = log
        self._latency = latency

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/_stats", self._stats),
                Route("/_calls", self._calls),
                Route("/_script", self._script, methods=["POST"]),
                Route("/_reset", self._reset, methods=["POST"]),
                Route("/{path:path}", self._call, methods=["POST"]),
            ]
        )

    async def _stats(self, _request: Request) -> Response:
        return JSONResponse(self._log.stats())

    async def _calls(self, _request: Request) -> Response:
        """The number of calls alone, which is much faster to send than all counts."""
        return JSONResponse(self._log.calls)

    async def _script(self, request: Request) -> Response:
        self._log.rules = TypeAdapter(list[Rule]).validate_json(await request.body())
        return JSONResponse({"rules": len(self._log.rules)})

    async def _reset(self, _request: Request) -> Response:
        self._log.reset()
        return JSONResponse({})

    async def _call(self, request: Request) -> Response:
        body = await request.json()
        protocol, model = _route(request.url.path, body)
        if protocol is None:
            return JSONResponse({"error": {"message": "no such path"}}, status_code=404)
        port = request.client.port if request.client else 0
        rule = self._log.record_call(model, body, dict(request.headers), port)
        try:
            return await self._answer(protocol, protocol.read(model, body), rule, request)
        finally:
            self._log.in_flight -= 1

    async def _answer(self, protocol: Protocol, parsed: ParsedRequest, rule: Rule, request: Request) -> Response:
        if rule.kind == "hang":
            return await _hang(request)
        latency = self._latency if rule.latency is None else rule.latency
        if latency:
            await asyncio.sleep(latency)
        response = _failure(protocol, rule, request) if rule.kind == "status" else self._success(protocol, parsed, rule)
        self._log.record_response(response.status_code)
        return response

    def _success(self, protocol: Protocol, parsed: ParsedRequest, rule: Rule) -> Response:
        finish = _FINISHES.get(rule.kind, "stop")
        text = _text(parsed, rule, finish)
        self._log.record_billed(parsed.tokens, text_tokens(text))
        if rule.body is not None:
            return Response(rule.body, media_type="text/html" if rule.body.startswith("<") else "application/json")
        reply = protocol.reply(parsed, text, finish)
        if rule.finish_reason:
            protocol.end_with(reply, rule.finish_reason)
        protocol.miscount(reply, rule.usage)
        if not rule.choices:
            reply["choices"] = []
        content = json.dumps(reply).encode()
        if rule.kind == "broken_json":
            return Response(content[: len(content) // 2], media_type="application/json")
        if rule.kind == "cut":
            # Promising more than is sent makes the server close the connection amid the body.
            headers = {"content-length": str(len(content)), "content-type": "application/json"}
            return Response(content[: len(content) // 2], headers=headers)
        return Response(content, media_type="application/json")


async def _hang(request: Request) -> Response:
    while (await request.receive())["type"] != "http.disconnect":
        pass
    return Response()


def _route(path: str, body: dict[str, Any]) -> tuple[Protocol | None, str]:
    if path.endswith("/chat/completions"):
        return OpenAI(), body.get("model", "")
    if path.endswith("/invoke"):
        return Anthropic(), unquote(path.rsplit("/", 2)[-2])
    if path.endswith("/messages"):
        return Anthropic(), body.get("model", "")
    if path.endswith(":generateContent"):
        return Gemini(), path.rsplit("/", 1)[-1].removesuffix(":generateContent")
    return None, ""


def _failure(protocol: Protocol, rule: Rule, request: Request) -> Response:
    # Real services repeat the key in some messages, so this one always does: nothing of it may come out.
    key = request.headers.get("authorization") or request.headers.get("x-api-key")
    key = key or request.headers.get("x-goog-api-key") or request.headers.get("api-key") or ""
    message = f"{rule.message}: key {key.removeprefix('Bearer ')} at {request.url}"
    headers = {"retry-after": rule.retry_after} if rule.retry_after else {}
    headers |= {"location": rule.location} if rule.location else {}
    return JSONResponse(protocol.error(rule.status, message, rule.code), status_code=rule.status, headers=headers)


def _text(parsed: ParsedRequest, rule: Rule, finish: Finish) -> str:
    if rule.kind == "wrong_schema":
        return json.dumps({"nobody": "asked for this"})
    if rule.reply is not None:
        return rule.reply if isinstance(rule.reply, str) else json.dumps(rule.reply)
    if finish in ("refusal", "blocked"):
        return "I cannot help with that."
    text = json.dumps(minimal_instance(parsed.schema)) if parsed.schema else f"{parsed.model} says so."
    return text[: len(text) // 2] if finish == "length" else text


class FakeLLM:
    """The fake in a thread of this process. `port` 0 takes a free one."""

    def __init__(self, *, latency: float = 0.0, port: int = 0) -> None:
        self.log = CallLog()
        app = _Service(self.log, latency).app()
        self._server = uvicorn.Server(uvicorn.Config(app, log_level="critical", timeout_graceful_shutdown=0))
        # Listening already, so that clients can connect before the server's loop has started.
        self._socket = socket.create_server(("127.0.0.1", port), backlog=2048)
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],), daemon=True)

    @property
    def url(self) -> str:
        """Where it listens, without a final slash."""
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    @property
    def openai_url(self) -> str:
        """`base_url` for openai and openai-compatible models."""
        return f"{self.url}/v1"

    def script(self, *rules: Rule) -> None:
        """Sets the rules, in the order in which they are tried."""
        self.log.rules = list(rules)

    def stats(self) -> dict[str, Any]:
        """The counts: calls, completed, in_flight, most_in_flight, by_key, by_model, by_status."""
        return self.log.stats()

    def run(self) -> None:
        """Serves in this thread until interrupted."""
        self._server.run([self._socket])

    def __enter__(self) -> FakeLLM:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        self._thread.join(timeout=10)
        self._socket.close()
