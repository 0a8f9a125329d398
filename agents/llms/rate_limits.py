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
from agents.llms.sending import sent_until
from agents.llms.unreadable_replies import ASKED_NO_MORE, UnreadableReplies
from agents.llms.work_time import not_counted
from contract.calls import ModelReply, ModelRequest
from contract.errors import (
    ModelTimeout,
    ModelUnusable,
    NeedsAnotherTurn,
    NotSentInTime,
    RateLimited,
    ReplyBroken,
    ServerNotRunning,
    Transient,
)
from contract.models import Limits

MINUTE = 60.0
COUNTED_SECONDS = MINUTE + 1
"""How long a call counts from the end of its turn: a minute, and a second for its way to the service."""
SENDING_SECONDS = 1.0
"""How long a turn lasts: the time in which an admitted call has to be sent. It doubles for a call that missed one."""
LONGEST_SENDING_SECONDS = 32.0
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
    """What was admitted."""

    time: float
    """The end of its turn: the latest time at which it is sent."""
    amount: int


def time_sent(entry: WindowEntry, now: float, seconds_ago: float) -> float:
    """When a call was sent that ends `now`: at the end of its turn, or later, where a model does not keep to it.

    A clock that was set meanwhile moves it neither before its turn nor into the future.
    """
    return max(entry.time, min(now - seconds_ago, now))


class WindowLimiter(Protocol):
    """Admits a number of units in any 60 seconds."""

    async def acquire(self, amount: int, seconds: float = SENDING_SECONDS) -> WindowEntry:
        """Waits until `amount` fits, and records it as sent within so many seconds."""
        ...

    async def renew(self, entry: WindowEntry, seconds: float) -> WindowEntry:
        """Gives what was admitted a turn that begins now. Waits only where the former was a minute ago."""
        ...

    def seconds_left(self, entry: WindowEntry) -> float:
        """How long its turn still lasts."""
        ...

    def settle(self, entry: WindowEntry, amount: int, seconds_ago: float) -> None:
        """Corrects what was recorded, once it is known how much was sent, and how long ago."""
        ...


MakeWindow: TypeAlias = Callable[[str, int], WindowLimiter]
"""Makes the limiter of `requests` or `tokens` with that limit."""


_Turns = dict[WindowLimiter, WindowEntry]
"""What was admitted for one call, in each window."""


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

    async def acquire(self, amount: int, seconds: float = SENDING_SECONDS) -> WindowEntry:
        """Waits until `amount` fits, and records it as sent within so many seconds."""
        async with self._lock:
            while (wait := self._seconds_until_free(amount)) > 0:
                await self._clock.sleep(wait)
            entry = WindowEntry(self._clock.now() + seconds, amount)
            self._entries.append(entry)
            return entry

    async def renew(self, entry: WindowEntry, seconds: float) -> WindowEntry:
        """Gives what was admitted a turn that begins now. Waits only where the former was a minute ago."""
        now = self._clock.now()
        if now - entry.time >= COUNTED_SECONDS:
            return await self.acquire(entry.amount, seconds)
        entry.time = now + seconds
        return entry

    def seconds_left(self, entry: WindowEntry) -> float:
        """How long its turn still lasts."""
        return entry.time - self._clock.now()

    def settle(self, entry: WindowEntry, amount: int, seconds_ago: float) -> None:
        """Corrects what was recorded, once it is known how much was sent, and how long ago."""
        entry.amount = amount
        entry.time = time_sent(entry, self._clock.now(), seconds_ago)

    def _seconds_until_free(self, amount: int) -> float:
        now = self._clock.now()
        self._entries = [entry for entry in self._entries if now - entry.time < COUNTED_SECONDS]
        if not self._entries or sum(entry.amount for entry in self._entries) + amount <= self._limit:
            return 0
        return min(entry.time for entry in self._entries) + COUNTED_SECONDS - now


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
        try:
            reply, turns = await self._complete_when_admitted(request)
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
        for window, entry in turns.items():
            used = reply.usage.input_tokens + reply.usage.output_tokens if window is self._tokens else 1
            window.settle(entry, used, seconds_ago)
        return reply

    async def _complete_when_admitted(self, request: ModelRequest) -> tuple[ModelReply, _Turns]:
        """One call, each of its requests sent while a turn of its own lasts, and what was admitted for the last."""
        amounts = {self._tokens: _estimate_tokens(request), self._requests: 1}
        seconds, turns = SENDING_SECONDS, _Turns()
        while True:
            with not_counted():
                await prepare(self._inner)
                for window, amount in amounts.items():
                    if window and window not in turns:
                        turns[window] = await window.acquire(amount, seconds)
                await self._gate.wait_until_open()
                for window, entry in turns.items():
                    # The wait for the other window, or for the service, may have been longer than a turn.
                    if window.seconds_left(entry) < seconds / 2:
                        turns[window] = await window.renew(entry, seconds)
            if self._unusable:
                raise ModelUnusable(self._unusable)
            try:
                with sent_until(_end_of(turns)):
                    return await self._complete_with_timeout(request), turns
            except NeedsAnotherTurn:
                # What was refused counts as a request; the tokens that it was let through for are of the next one.
                if self._requests:
                    turns.pop(self._requests, None)
            except NotSentInTime:
                seconds = min(2 * seconds, LONGEST_SENDING_SECONDS)

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
        deadline = asyncio.timeout(self._timeout)
        try:
            async with deadline:
                return await self._inner.complete(request)
        except TimeoutError:
            if deadline.expired():
                raise ModelTimeout(f"{self.name} gave no reply within {self._timeout:g} s") from None
            raise


def _end_of(turns: _Turns) -> float | None:
    """When the first of the turns ends, in seconds since 1970."""
    return time.time() + min(window.seconds_left(entry) for window, entry in turns.items()) if turns else None


def _estimate_tokens(request: ModelRequest) -> int:
    characters = sum(len(message.text) for message in request.messages)
    return characters // CHARACTERS_PER_TOKEN + request.settings.max_tokens
