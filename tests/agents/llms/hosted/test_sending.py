"""Requests per minute are kept at the service, also where calls are held back after their turn has come."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from pydantic import BaseModel

from agents.llms.hosted.model import Hosted
from agents.llms.hosted.subprocess_model import CallerProcess, HostedInSubprocess
from agents.llms.model import Model, ModelWrapper
from agents.llms.rate_limits import Clock, Limited, SlidingWindowLimiter, WindowLimiter
from agents.llms.shared_window import SharedWindowLimiter
from contract.calls import ModelReply, ModelRequest
from contract.models import HostedModel, Limits
from tests.agents.llms.requests import make_request

FASTER = 6
MINUTE = 60 / FASTER
LIMIT = 4
_REPLY = {
    "id": "1", "object": "chat.completion", "created": 1, "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": '{"text": "Yes."}'}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}  # fmt: skip


_REFUSAL = {"error": {"message": "This response_format type is unavailable now", "type": "invalid_request_error"}}
Arrived = list[float]


class Answer(BaseModel):
    """What a reply holds."""

    text: str


class HeldBack(ModelWrapper):
    """Holds the first calls back for longer than their turn lasts, as a busy machine does."""

    def __init__(self, inner: Model) -> None:
        super().__init__(inner)
        self._seen = set[str]()

    async def complete(self, request: ModelRequest) -> ModelReply:
        key = request.cache_key(reads_material=False)
        if key not in self._seen and len(self._seen) < LIMIT:
            self._seen.add(key)
            await asyncio.sleep(1.5)
        return await self._inner.complete(request)


@asynccontextmanager
async def slow_service(
    seconds: float = 1.4 * MINUTE, refused: str | None = None
) -> AsyncGenerator[tuple[str, Arrived]]:
    """Answers after so long, more than one of our minutes; yields its address, and when requests arrive.

    Requests with the word `refused` are refused at once.
    """
    arrived = list[float]()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                arrived.append(time.monotonic())
                length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
                asked = (await reader.readexactly(length)).decode()
                is_refused = refused is not None and refused in asked
                await asyncio.sleep(0 if is_refused else seconds)
                body = json.dumps(_REFUSAL if is_refused else _REPLY).encode()
                fields = f"Content-Type: application/json\r\nContent-Length: {len(body)}"
                status = "400 Bad Request" if is_refused else "200 OK"
                writer.write(f"HTTP/1.1 {status}\r\n{fields}\r\n\r\n".encode() + body)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", arrived


SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    ("shared", "aside"), [(True, True), *(pytest.param(*one, marks=SLOW) for one in ((True, False), (False, True)))]
)
async def test_what_was_held_back_gets_another_turn(tmp_path: Path, shared: bool, aside: bool) -> None:
    caller = CallerProcess() if aside else None
    clock = Clock(lambda: time.time() * FASTER, lambda seconds: asyncio.sleep(seconds / FASTER))

    def window(kind: str, limit: int) -> WindowLimiter:
        return (
            SharedWindowLimiter(tmp_path / f"{kind}.json", limit, clock)
            if shared
            else SlidingWindowLimiter(limit, clock)
        )

    async with slow_service() as (url, arrived):
        config = HostedModel.model_validate({"provider": "openai-compatible", "model_id": "m", "base_url": url})
        inner = HostedInSubprocess("m", config, caller) if caller else Hosted("m", config)
        model = Limited(HeldBack(inner), Limits(requests_per_minute=LIMIT), make_window=window)
        replies = await asyncio.gather(*(model.complete(make_request(str(n))) for n in range(2 * LIMIT)))
        await model.aclose()
        if caller:
            await caller.aclose()
    assert {reply.text for reply in replies} == {'{"text": "Yes."}'}
    assert len(arrived) == 2 * LIMIT, "a call that is held back is not sent twice"
    assert most_per_minute(arrived) <= LIMIT


def most_per_minute(arrived: Arrived) -> int:
    return max(sum(at <= other < at + MINUTE for other in arrived) for at in arrived)


@pytest.mark.parametrize("aside", [False, pytest.param(True, marks=SLOW)], ids=["here", "in a subprocess"])
async def test_what_is_asked_again_in_a_simpler_way_gets_a_turn_of_its_own(aside: bool) -> None:
    """A service refuses schemas, and JSON: each call that meets a refusal is sent once more."""
    caller = CallerProcess() if aside else None
    clock = Clock(lambda: time.time() * FASTER, lambda seconds: asyncio.sleep(seconds / FASTER))
    async with slow_service(0.1, refused="response_format") as (url, arrived):
        config = HostedModel.model_validate({"provider": "openai-compatible", "model_id": "m", "base_url": url})
        inner = HostedInSubprocess("m", config, caller) if caller else Hosted("m", config)
        limits = Limits(requests_per_minute=LIMIT)
        model = Limited(inner, limits, make_window=lambda _, limit: SlidingWindowLimiter(limit, clock))
        requests = (make_request(str(n), output=Answer) for n in range(LIMIT // 2))
        replies = await asyncio.gather(*(model.complete(request) for request in requests))
        await model.aclose()
        if caller:
            await caller.aclose()
    assert {reply.structured for reply in replies} == {"prompt"}
    assert len(arrived) > LIMIT
    assert most_per_minute(arrived) <= LIMIT
