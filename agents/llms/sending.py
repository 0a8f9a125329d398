"""Until when a call may be sent: its turn within the limits per minute lasts for a second or two, and not for ever.

    with sent_until(time.time() + 1):
        await model.complete(request)        # raises NotSentInTime if it could not be sent by then

A busy machine, or a connection that is slow to open, can hold a call back after its turn has come. Sent all the same,
it would reach the service in a minute in which others have been let through in its place.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from contract.errors import NotSentInTime

_SENDING = ".send_request_headers.started"
"""How the event of httpcore ends that comes before the first byte of a request."""


@dataclass
class _Turn:
    until: float
    """Seconds since 1970, since another process of this machine may send the call."""
    was_sent: bool = False
    was_missed: bool = False


_turn: ContextVar[_Turn | None] = ContextVar("sending", default=None)


@contextmanager
def sent_until(until: float | None) -> Generator[None]:
    """Calls of this block are sent before that time or not at all; None for no such limit."""
    token = _turn.set(None if until is None else _Turn(until))
    try:
        yield
    finally:
        _turn.reset(token)


def sending_ends() -> float | None:
    """Until when the current call may be sent."""
    turn = _turn.get()
    return turn.until if turn else None


def was_missed() -> bool:
    """Whether the current call was held back because its turn was over; libraries hide that in errors of their own."""
    turn = _turn.get()
    return turn is not None and turn.was_missed


async def check_turn(event: str, _: Any) -> None:
    """The `trace` of a request: raises NotSentInTime just before it would be sent too late.

    A further request within the same turn, such as after a redirect, is not held back: the call would begin anew each
    time.
    """
    turn = _turn.get()
    if turn is None or turn.was_sent or not event.endswith(_SENDING):
        return
    if time.time() > turn.until:
        turn.was_missed = True
        raise NotSentInTime
    turn.was_sent = True
