"""A time limit counts work and not waiting."""

from __future__ import annotations

import asyncio

import pytest

from agents.llms.rate_limits import Limited
from agents.llms.reply_cache import CachedReplies, InMemoryReplyStore
from agents.llms.scripted import Scripted, scripted_reply
from agents.llms.work_time import WorkTimeout, not_counted
from contract.calls import ModelReply, ModelRequest
from contract.models import Limits
from tests.agents.llms.requests import make_request


class Pausing(Scripted):
    """Takes some time for each call."""

    def __init__(self, seconds: float) -> None:
        super().__init__("pausing", lambda _: "yes")
        self._seconds = seconds

    async def complete(self, request: ModelRequest) -> ModelReply:
        self.calls += 1
        await asyncio.sleep(self._seconds)
        return scripted_reply(request, "yes")


def one_at_a_time(seconds: float) -> tuple[Pausing, CachedReplies]:
    """A model that takes that long for each call, and answers one at a time, as a local one does."""
    real = Pausing(seconds)
    return real, CachedReplies(Limited(real, Limits(concurrency=1)), InMemoryReplyStore())


async def ask_within(limit: float, model: CachedReplies, request: ModelRequest) -> ModelReply:
    """The reply, if it takes no longer than the limit allows."""
    async with WorkTimeout(limit):
        return await model.complete(request)


async def test_waiting_for_a_slot_is_not_counted() -> None:
    real, model = one_at_a_time(0.3)
    asked = [ask_within(1.5, model, make_request(str(n))) for n in range(9)]
    await asyncio.gather(*asked)
    assert real.calls == 9, "the last of them waited for twice its limit"


async def test_those_who_share_a_call_wait_for_its_turn_uncounted() -> None:
    real, model = one_at_a_time(0.3)
    asked = [ask_within(1.5, model, make_request(str(n // 3))) for n in range(27)]
    assert len(await asyncio.gather(*asked)) == 27
    assert real.calls == 9


async def test_the_call_itself_is_counted() -> None:
    _, model = one_at_a_time(30)
    with pytest.raises(TimeoutError):
        await ask_within(0.02, model, make_request())


async def test_work_before_and_after_a_wait_adds_up() -> None:
    timeout = WorkTimeout(0.05)
    with pytest.raises(TimeoutError):
        async with timeout:
            await asyncio.sleep(0.03)
            with not_counted():
                await asyncio.sleep(0.1)
            assert not timeout.expired
            await asyncio.sleep(30)
    assert timeout.expired
