"""Limits on the use of one model: time per call; concurrency, requests and tokens per minute in this process or, with
`shared_slots` and windows of `shared_window`, in all processes that share a folder.

    model = Limited(hosted, config.limits)

When a service asks to wait, every further call to that model waits until then. Prefect, which retries failed calls,
can therefore keep its own short delay: the gate holds the retry back for as long as the service asked.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol, TypeAlias

from agents.llms.model import Model, ModelWrapper, prepare
from agents.llms.unreadable_replies import ASKED_NO_MORE, UnreadableReplies
from agents.llms.work_time import not_counted
from contract.calls import ModelReply, ModelRequest
from contract.errors import ModelTimeout, ModelUnusable, RateLimited, ReplyBroken, ServerNotRunning, Transient
from contract.models import Limits

MINUTE = 60.0
CHARACTERS_PER_TOKEN = 4
SERVER_START_SECONDS = 5.0
"""How long a server of this machine may refuse connections, as while it starts, before the run asks it no more."""


@dataclass(frozen=True)
class Clock:
    """The time in seconds from any fixed point, and a function that waits. Tests pass their own clock."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


@dataclass
class WindowEntry:
    """What was admitted, and when."""

    time: float
    amount: int


def time_sent(entry: WindowEntry, now: float, seconds_ago: float) -> float:
    """When a call was sent that ends `now`; later than admitted, where a library had to be imported first.

    A clock that was set meanwhile moves it neither before its admission nor into the future.
    """
    return min(max(entry.time, now - seconds_ago), now)


class WindowLimiter(Protocol):
    """Admits a number of units in any 60 seconds."""

    async def acquire(self, amount: int) -> WindowEntry:
        """Waits until `amount` fits, and records it."""
        ...

    def settle(self, entry: WindowEntry, amount: int, seconds_ago: float) -> None:
        """Corrects what was recorded, once it is known how much was sent, and how long ago."""
        ...


MakeWindow: TypeAlias = Callable[[str, int], WindowLimiter]
"""Makes the limiter of `requests` or `tokens` with that limit."""


class Slots(Protocol):
    """Counts calls under way in more than this process."""

    async def acquire(self) -> int:
        """Waits for a slot; returns its number."""
        ...

    def release(self, slot: int) -> None:
        """Frees the slot."""
        ...


class SlidingWindowLimiter:
    """Admits at most `limit` units in any 60 seconds, in the order of the requests.

    An amount above the limit is admitted alone, because it could otherwise never be admitted.
    """

    def __init__(self, limit: int, clock: Clock) -> None:
        self._limit = limit
        self._clock = clock
        self._entries = list[WindowEntry]()
        self._lock = asyncio.Lock()

    async def acquire(self, amount: int) -> WindowEntry:
        """Waits until `amount` fits, and records it."""
        async with self._lock:
            while (wait := self._seconds_until_free(amount)) > 0:
                await self._clock.sleep(wait)
            entry = WindowEntry(self._clock.now(), amount)
            self._entries.append(entry)
            return entry

    def settle(self, entry: WindowEntry, amount: int, seconds_ago: float) -> None:
        """Corrects what was recorded, once it is known how much was sent, and how long ago."""
        entry.amount = amount
        entry.time = time_sent(entry, self._clock.now(), seconds_ago)

    def _seconds_until_free(self, amount: int) -> float:
        now = self._clock.now()
        self._entries = [entry for entry in self._entries if now - entry.time < MINUTE]
        if not self._entries or sum(entry.amount for entry in self._entries) + amount <= self._limit:
            return 0
        return min(entry.time for entry in self._entries) + MINUTE - now


class _RetryAfterGate:
    """Closed until the latest time that the service asked for."""

    def __init__(self, name: str, clock: Clock) -> None:
        self._name = name
        self._clock = clock
        self._not_before = 0.0

    def close_for(self, seconds: float) -> None:
        self._not_before = max(self._not_before, self._clock.now() + seconds)

    async def wait_until_open(self) -> None:
        while (wait := self._not_before - self._clock.now()) > 0:
            if wait > Transient.LONGEST_WAIT:
                raise RateLimited(
                    f"{self._name} asks for a wait of {wait / MINUTE:.0f} minutes: probably a daily quota is used up, "
                    "so this run asks it no more. Run the same command again later; nothing already answered is paid "
                    "for again",
                    retry_after=wait,
                )
            await self._clock.sleep(wait)


class Limited(ModelWrapper):
    """Enforces concurrency, requests and tokens per minute, a time limit per call, and the waits of the service."""

    def __init__(
        self,
        inner: Model,
        limits: Limits,
        clock: Clock | None = None,
        make_window: MakeWindow | None = None,
        shared_slots: Slots | None = None,
    ) -> None:
        super().__init__(inner)
        clock = clock or Clock()

        def own_window(_: str, limit: int) -> WindowLimiter:
            return SlidingWindowLimiter(limit, clock)

        make = make_window or own_window
        self._timeout = limits.timeout_seconds
        self._slots = asyncio.Semaphore(limits.concurrency)
        self._shared_slots = shared_slots
        self._requests = make("requests", limits.requests_per_minute) if limits.requests_per_minute else None
        self._tokens = make("tokens", limits.tokens_per_minute) if limits.tokens_per_minute else None
        self._gate = _RetryAfterGate(inner.name, clock)
        self._unusable: str | None = None
        """Why no further call is made, once one of them showed that none can succeed."""
        self._clock = clock
        self._down_since: float | None = None
        """Since when a server of this machine has refused every connection."""
        self._unreadable = UnreadableReplies()

    async def complete(self, request: ModelRequest) -> ModelReply:
        """Returns one reply within the limits.

        Raises ModelTimeout if the call itself takes longer than `timeout_seconds`. Waits for its turn do not count,
        nor what is done before the first call: a library is imported, or a server started. Raises RateLimited
        without a call if the service asked for a wait of over five minutes, and ModelUnusable if an
        earlier call raised it, if a server of this machine has refused connections for `SERVER_START_SECONDS`, or if
        one request brought two cut or unreadable replies and no other a readable one meanwhile.
        """
        with not_counted():
            await self._slots.acquire()
        try:
            if self._shared_slots is None:
                return await self._complete_in_turn(request)
            return await self._complete_in_slot(request, self._shared_slots)
        finally:
            self._slots.release()

    async def _complete_in_slot(self, request: ModelRequest, slots: Slots) -> ModelReply:
        with not_counted():
            # A long wait that the service asked for takes no slot from other processes.
            await self._gate.wait_until_open()
            slot = await slots.acquire()
        try:
            return await self._complete_in_turn(request)
        finally:
            slots.release(slot)

    async def _complete_in_turn(self, request: ModelRequest) -> ModelReply:
        with not_counted():
            tokens = await self._tokens.acquire(_estimate_tokens(request)) if self._tokens else None
            sent = await self._requests.acquire(1) if self._requests else None
            await self._gate.wait_until_open()
        if self._unusable:
            raise ModelUnusable(self._unusable)
        try:
            reply = await self._complete_with_timeout(request)
        except ModelUnusable as error:
            self._unusable = str(error)
            raise
        except ServerNotRunning as error:
            self._raise_if_down_for_long(error)
            raise
        except ReplyBroken as error:
            raise self._after_unreadable(request, error) from None
        except Transient as error:
            self._down_since = None
            if error.retry_after:
                self._gate.close_for(error.retry_after)
            raise
        self._down_since = None
        self._unreadable.was_readable()
        seconds_ago = (datetime.now(UTC) - reply.started).total_seconds()
        if tokens and self._tokens:
            self._tokens.settle(tokens, reply.usage.input_tokens + reply.usage.output_tokens, seconds_ago)
        if sent and self._requests:
            self._requests.settle(sent, 1, seconds_ago)
        return reply

    def _raise_if_down_for_long(self, error: ServerNotRunning) -> None:
        now = self._clock.now()
        self._down_since = now if self._down_since is None else self._down_since
        if now - self._down_since >= SERVER_START_SECONDS:
            self._unusable = f"{error}, so {ASKED_NO_MORE}"
            raise ModelUnusable(self._unusable) from None

    def _after_unreadable(self, request: ModelRequest, error: ReplyBroken) -> ReplyBroken:
        self._down_since = None
        key = request.cache_key(reads_material=self.reads_material)
        failure, given_up = self._unreadable.was_unreadable(key, error)
        if given_up:
            self._unusable = str(failure)
        return failure

    async def _complete_with_timeout(self, request: ModelRequest) -> ModelReply:
        with not_counted():
            await prepare(self._inner)
        deadline = asyncio.timeout(self._timeout)
        try:
            async with deadline:
                return await self._inner.complete(request)
        except TimeoutError:
            if deadline.expired():
                raise ModelTimeout(f"{self.name} gave no reply within {self._timeout:g} s") from None
            raise


def _estimate_tokens(request: ModelRequest) -> int:
    characters = sum(len(message.text) for message in request.messages)
    return characters // CHARACTERS_PER_TOKEN + request.settings.max_tokens
