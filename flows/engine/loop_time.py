"""The time that a loop has for one record: `max_seconds` of work, counted while a cell of the loop works."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from agents.llms.work_time import WorkMeter, WorkTimeout
from contract.errors import LoopTimeOver


def rounds_over_note(loop: str, rounds: int) -> str:
    """What the run says when a loop that could have ended by itself has used all its rounds."""
    used = "the only round" if rounds == 1 else f"all {rounds} rounds"
    was = "was" if rounds == 1 else "were"
    end = "the flow goes on with what was found until then"
    return f"{used} of '{loop}' (max_rounds) {was} used before it was finished; {end}"


class LoopTime:
    """The time of one record in one loop. In a loop within a loop, that of the outer one counts, too."""

    def __init__(self, loop: str, seconds: float | None, outer: LoopTime | None = None) -> None:
        self._loop, self._seconds, self._outer = loop, seconds, outer
        self._meter = WorkMeter()
        self.was_needed = False
        """Whether anything was given up, or did not begin, because this time was over."""

    @property
    def over(self) -> LoopTime | None:
        """The time that is over: this one, or that of a loop around it; None while there is some left."""
        if self._seconds is not None and self._meter.seconds >= self._seconds:
            return self
        return self._outer and self._outer.over

    def deny(self) -> str:
        """Remembers that something does not run for lack of this time, and returns the reason in words."""
        self.was_needed = True
        return f"the {self._seconds:g} seconds of '{self._loop}' (max_seconds) were over"

    def note(self, round_number: int) -> str:
        """What the run says when this time has ended the loop."""
        return f"{self.deny()} in round {round_number}; the flow goes on with what was found until then"

    @asynccontextmanager
    async def counted(self) -> AsyncGenerator[None]:
        """Counts what the block works. Raises LoopTimeOver, and gives the block up, when no time is left."""
        if self._outer:
            async with self._outer.counted(), self._own_counted():
                yield
        else:
            async with self._own_counted():
                yield

    @asynccontextmanager
    async def _own_counted(self) -> AsyncGenerator[None]:
        if self._seconds is None:
            yield
            return
        timeout = WorkTimeout(max(self._seconds - self._meter.seconds, 0))
        try:
            with self._meter.counted():
                async with timeout:
                    yield
        except TimeoutError as error:
            if not timeout.expired:
                raise
            raise LoopTimeOver(f"not finished, {self.deny()}") from error
