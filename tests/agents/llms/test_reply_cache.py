"""Kept replies: no reply is paid for twice."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from agents.llms.reply_cache import CachedReplies, InMemoryReplyStore
from agents.llms.scripted import Scripted, ScriptLine, scripted_reply
from contract.calls import ModelReply, ModelRequest
from contract.errors import RateLimited, StorageError
from tests.agents.llms.requests import make_request


class Slow(Scripted):
    """Answers when `go` is set."""

    def __init__(self) -> None:
        super().__init__("slow", lambda _: "at last")
        self.go = asyncio.Event()
        self.asked = asyncio.Event()

    async def complete(self, request: ModelRequest) -> ModelReply:
        self.asked.set()
        self.calls += 1
        await self.go.wait()
        return scripted_reply(request, "at last")


async def test_the_second_reply_is_read_from_the_store_and_marked() -> None:
    real = Scripted("m", lambda _: "yes")
    model = CachedReplies(real, InMemoryReplyStore())
    paid = await model.complete(make_request())
    kept = await model.complete(make_request())
    assert (paid.from_cache, kept.from_cache) == (False, True)
    assert kept.model_dump() == paid.model_dump()
    assert real.calls == 1


async def test_repeats_and_other_settings_are_other_questions() -> None:
    real = Scripted("m", lambda _: "yes")
    model = CachedReplies(real, InMemoryReplyStore())
    for asked in (make_request(), make_request(repeat=1), make_request(temperature=1), make_request("Else?")):
        await model.complete(asked)
    assert real.calls == 4


async def test_equal_requests_at_once_are_one_call() -> None:
    real = Slow()
    model = CachedReplies(real, InMemoryReplyStore())
    waiting = [asyncio.create_task(model.complete(make_request())) for _ in range(20)]
    await real.asked.wait()
    real.go.set()
    replies = await asyncio.gather(*waiting)
    assert real.calls == 1
    assert sorted(reply.from_cache for reply in replies) == [False] + [True] * 19


async def test_a_reply_is_kept_before_it_is_handed_over() -> None:
    class KilledAfterwards(InMemoryReplyStore):
        killed = False

        async def put(self, key: str, reply: ModelReply) -> None:
            await super().put(key, reply)
            if not self.killed:
                self.killed = True
                raise ConnectionAbortedError

    store, real = KilledAfterwards(), Scripted("m", lambda _: "yes")
    with pytest.raises(ConnectionAbortedError):
        await CachedReplies(real, store).complete(make_request())
    assert (await CachedReplies(real, store).complete(make_request())).from_cache
    assert real.calls == 1


async def test_a_cancelled_caller_takes_nothing_from_the_others() -> None:
    real = Slow()
    model = CachedReplies(real, InMemoryReplyStore())
    leaver = asyncio.create_task(model.complete(make_request()))
    stayer = asyncio.create_task(model.complete(make_request()))
    await real.asked.wait()
    leaver.cancel()
    real.go.set()
    assert (await stayer).text == "at last"
    assert real.calls == 1


async def test_a_call_without_a_waiting_caller_is_cancelled() -> None:
    real = Slow()
    model = CachedReplies(real, InMemoryReplyStore())
    leaver = asyncio.create_task(model.complete(make_request()))
    await real.asked.wait()
    leaver.cancel()
    await asyncio.gather(leaver, return_exceptions=True)
    real.go.set()
    assert (await model.complete(make_request())).from_cache is False
    assert real.calls == 2


async def test_errors_are_not_kept_and_reach_every_waiter() -> None:
    real = Scripted("m", [ScriptLine(error="RateLimited", times=1), ScriptLine(reply="now")])
    model = CachedReplies(real, InMemoryReplyStore())
    first = await asyncio.gather(model.complete(make_request()), model.complete(make_request()), return_exceptions=True)
    assert [type(error) for error in first] == [RateLimited, RateLimited]
    assert (await model.complete(make_request())).text == "now"
    assert real.calls == 2


async def test_refusals_are_kept_too() -> None:
    real = Scripted("m", [ScriptLine(reply="I cannot.", finish_reason="refusal")])
    model = CachedReplies(real, InMemoryReplyStore())
    await model.complete(make_request())
    assert (await model.complete(make_request())).finish_reason == "refusal"
    assert real.calls == 1


async def test_an_error_of_the_store_is_raised() -> None:
    class Full(InMemoryReplyStore):
        async def put(self, key: str, reply: ModelReply) -> None:
            raise StorageError("the disk is full")

    with pytest.raises(StorageError):
        await CachedReplies(Scripted("m", lambda _: "yes"), Full()).complete(make_request())


def test_from_cache_is_never_written_with_a_reply() -> None:
    reply = scripted_reply(make_request(), "yes").model_copy(update={"from_cache": True})
    assert "from_cache" not in reply.model_dump_json()
    assert ModelReply.model_validate_json(reply.model_dump_json()).cost_usd == Decimal(0)
