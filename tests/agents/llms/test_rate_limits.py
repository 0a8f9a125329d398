"""Limits: concurrency, budgets per minute, time limits, and the waits that services ask for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.llms.journal import Journalled
from agents.llms.rate_limits import Clock, Limited, SlidingWindowLimiter
from agents.llms.scripted import Scripted, scripted_reply
from agents.llms.work_time import WorkTimeout
from contract.calls import ModelReply, ModelRequest
from contract.errors import ModelTimeout, ModelUnavailable, ModelUnusable, RateLimited, ServerNotRunning
from contract.models import Limits
from tests.agents.llms.requests import make_request


class FakeTime:
    """Time that passes at once when a caller waits for it."""

    def __init__(self) -> None:
        self.now = 1000.0

    async def sleep(self, seconds: float) -> None:
        until = self.now + seconds
        await asyncio.sleep(0)
        self.now = max(self.now, until)

    @property
    def clock(self) -> Clock:
        return Clock(now=lambda: self.now, sleep=self.sleep)


class Acting(Scripted):
    """Does `act` at each call, then answers."""

    def __init__(self, act: Callable[[int], Awaitable[None]]) -> None:
        super().__init__("acting", lambda _: "done")
        self._act = act

    async def complete(self, request: ModelRequest) -> ModelReply:
        self.calls += 1
        await self._act(self.calls)
        return scripted_reply(request, "done")


async def test_no_more_calls_at_once_than_allowed() -> None:
    running = most = 0

    async def act(_: int) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        for _ in range(5):
            await asyncio.sleep(0)
        running -= 1

    model = Limited(Acting(act), Limits(concurrency=3))
    await asyncio.gather(*(model.complete(make_request(str(n))) for n in range(20)))
    assert most == 3


async def test_requests_per_minute() -> None:
    time, begun = FakeTime(), list[float]()

    async def act(_: int) -> None:
        begun.append(time.now)

    model = Limited(Acting(act), Limits(requests_per_minute=5), time.clock)
    await asyncio.gather(*(model.complete(make_request(str(n))) for n in range(12)))
    # A second for the turn in which a call is sent, and one for its way.
    assert begun == [1000.0] * 5 + [1062.0] * 5 + [1124.0] * 2


async def test_a_minute_begins_when_calls_are_sent() -> None:
    time, sent = FakeTime(), list[float]()

    async def act(call: int) -> None:
        # The first call imports its provider's library; those admitted beside it wait for that.
        time.now += 7 if call == 1 else 0
        sent.append(time.now)

    model = Limited(Acting(act), Limits(requests_per_minute=5), time.clock)
    await asyncio.gather(*(model.complete(make_request(str(n))) for n in range(10)))
    assert sent[:5] == [1007.0] * 5 and all(1067.9 <= at <= 1069 for at in sent[5:]), sent


async def test_tokens_per_minute_are_booked_by_estimate_and_settled_by_count() -> None:
    time, begun = FakeTime(), list[float]()

    async def act(_: int) -> None:
        begun.append(time.now)

    # Each call is estimated at over 500 tokens and turns out to need fewer than 20.
    model = Limited(Acting(act), Limits(tokens_per_minute=600, concurrency=1), time.clock)
    for n in range(4):
        await model.complete(make_request(str(n), max_tokens=500))
    assert begun == [1000.0] * 4
    await asyncio.gather(*(model.complete(make_request(str(n), max_tokens=590)) for n in range(2)))
    assert begun[-1] == 1062.0


@given(st.lists(st.integers(min_value=1, max_value=120), min_size=1, max_size=40))
async def test_no_minute_holds_more_than_its_budget(amounts: list[int]) -> None:
    time = FakeTime()
    budget = SlidingWindowLimiter(100, time.clock)
    taken: list[tuple[float, int]] = []
    for amount in amounts:
        await budget.acquire(amount)
        taken.append((time.now, amount))
    for start, _ in taken:
        within = [amount for at, amount in taken if start <= at < start + 60]
        assert sum(within) <= 100 or len(within) == 1


async def test_a_wait_asked_for_holds_every_further_call_of_the_model() -> None:
    time, begun = FakeTime(), list[float]()

    async def act(call: int) -> None:
        begun.append(time.now)
        if call == 1:
            raise RateLimited("too many", retry_after=30)

    model = Limited(Acting(act), Limits(), time.clock)
    with pytest.raises(RateLimited):
        await model.complete(make_request("first"))
    await asyncio.gather(*(model.complete(make_request(str(n))) for n in range(3)))
    assert begun == [1000.0, 1030.0, 1030.0, 1030.0]


async def test_a_longer_wait_asked_for_meanwhile_counts_too() -> None:
    time, begun, both = FakeTime(), list[float](), asyncio.Barrier(2)

    async def act(call: int) -> None:
        begun.append(time.now)
        if call <= 2:
            await both.wait()
            raise ModelUnavailable("overloaded", retry_after=20 * call)

    model = Limited(Acting(act), Limits(), time.clock)
    await asyncio.gather(*(model.complete(make_request(str(n))) for n in range(2)), return_exceptions=True)
    await model.complete(make_request("third"))
    assert begun == [1000.0, 1000.0, 1040.0]


async def test_a_wait_of_hours_is_reported_without_another_call() -> None:
    time = FakeTime()

    async def act(_: int) -> None:
        raise RateLimited("daily quota", retry_after=7200)

    real = Acting(act)
    model = Limited(real, Limits(), time.clock)
    for _ in range(2):
        with pytest.raises(RateLimited):
            await model.complete(make_request())
    assert real.calls == 1


async def test_a_call_that_takes_too_long_is_a_model_timeout() -> None:
    async def act(_: int) -> None:
        await asyncio.Event().wait()

    model = Limited(Acting(act), Limits(timeout_seconds=0.01))
    with pytest.raises(ModelTimeout, match=r"acting gave no reply within 0\.01 s"):
        await model.complete(make_request())


async def test_waiting_for_a_turn_does_not_count_against_the_time_limit() -> None:
    async def act(_: int) -> None:
        await asyncio.sleep(0.02)

    model = Limited(Acting(act), Limits(timeout_seconds=0.1, concurrency=1))
    replies = await asyncio.gather(*(model.complete(make_request(str(n))) for n in range(10)))
    assert len(replies) == 10


async def test_getting_ready_before_the_first_call_does_not_count_against_any_time_limit() -> None:
    class Slow(Scripted):
        async def prepare(self) -> None:
            prepared.append(len(journal.started))
            await asyncio.sleep(0.2)

    prepared, journal = list[int](), StartedCalls()
    model = Limited(Journalled(Slow("slow", lambda _: "done"), journal, lambda _: None), Limits(timeout_seconds=0.05))
    async with WorkTimeout(0.1):
        assert (await model.complete(make_request())).text == "done"
    assert prepared == [0] and len(journal.started) == 1


class StartedCalls:
    """A journal that knows which calls were sent."""

    payer = "me"

    def __init__(self) -> None:
        self.started = list[str]()

    def call_started(self, key: str, model: str, worst: Decimal | None) -> None:
        self.started.append(key)

    def call_answered(self, key: str, reply: ModelReply) -> None:
        """Needs no record here."""

    def call_failed(self, key: str, *, may_be_billed: bool) -> None:
        raise AssertionError("a call failed")


async def test_a_timeout_set_by_the_caller_stays_a_timeout_error() -> None:
    async def act(_: int) -> None:
        await asyncio.Event().wait()

    model = Limited(Acting(act), Limits())
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await model.complete(make_request())


async def test_a_server_of_this_machine_that_stays_down_is_soon_asked_no_more() -> None:
    time = FakeTime()

    async def act(_: int) -> None:
        raise ServerNotRunning("m cannot be reached")

    model = Limited(inner := Acting(act), Limits(), time.clock)
    with pytest.raises(ServerNotRunning):
        await model.complete(make_request())
    time.now += 5
    for _ in range(3):
        with pytest.raises(ModelUnusable, match="m cannot be reached, so this run asks it no more"):
            await model.complete(make_request())
    assert inner.calls == 2


async def test_a_server_of_this_machine_that_comes_back_in_time_is_asked_on() -> None:
    time = FakeTime()

    async def act(call: int) -> None:
        if call in (1, 3):
            raise ServerNotRunning("m cannot be reached")

    model = Limited(Acting(act), Limits(), time.clock)
    for _ in range(2):
        with pytest.raises(ServerNotRunning):
            await model.complete(make_request())
        time.now += 4
        assert (await model.complete(make_request())).text == "done"
        time.now += 60
