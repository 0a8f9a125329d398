"""Budget: no call begins that could take a run past what it may spend.

    model = Budgeted(Limited(hosted, limits), purse, worst=lambda request: worst_case(price, config, request))

Before a call, the most that it can cost is set aside; afterwards what it did cost is booked and the rest given back. A
call that does not fit waits while calls under way may still give something back, and is refused when none can.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal

from agents.llms.model import Around, Model
from contract.calls import ModelReply, ModelRequest
from contract.errors import ModelRejected, ModelUnavailable, OverBudget, RateLimited

Worst = Callable[[ModelRequest], Decimal]
"""US dollars that a call cannot exceed."""
_NOT_BILLED = (RateLimited, ModelRejected, ModelUnavailable)
"""The service itself said that it did not answer. After any other failure it may have, and may bill for it."""


@dataclass
class _Bill:
    worst: Decimal
    cost: Decimal
    """What is booked in the end: the worst, until something better is known."""


class Purse:
    """What a run may spend, in US dollars. Belongs to one event loop."""

    def __init__(self, budget: Decimal) -> None:
        self.budget = budget
        self.spent = Decimal(0)
        """Booked for calls that have ended; at their worst where nobody knows what they cost."""
        self._aside = Decimal(0)
        self._changed = asyncio.Condition()

    @asynccontextmanager
    async def aside(self, worst: Decimal) -> AsyncGenerator[_Bill]:
        """Keeps `worst` aside for the length of a call. Raises OverBudget when it does not fit any more."""
        await self._take(worst)
        reservation = _Bill(worst, worst)
        try:
            yield reservation
        finally:
            self._aside -= worst
            self.spent += reservation.cost
            async with self._changed:
                self._changed.notify_all()

    async def _take(self, worst: Decimal) -> None:
        async with self._changed:
            while self.spent + self._aside + worst > self.budget:
                if not self._aside:
                    raise OverBudget(
                        f"the call could cost ${worst:.4f}, and ${self.spent:.4f} of the budget of ${self.budget} is "
                        "spent; the same command with a larger budget goes on from here"
                    )
                await self._changed.wait()
            self._aside += worst


class Budgeted(Around):
    """Asks only what the purse can pay for."""

    def __init__(self, inner: Model, purse: Purse, worst: Worst) -> None:
        super().__init__(inner)
        self._purse = purse
        self._worst = worst

    async def complete(self, request: ModelRequest) -> ModelReply:
        """One reply. Raises OverBudget without a call, and whatever the model inside raises."""
        async with self._purse.aside(self._worst(request)) as reservation:
            try:
                reply = await self._inner.complete(request)
            except _NOT_BILLED:
                reservation.cost = Decimal(0)
                raise
            if reply.cost_usd is not None:
                reservation.cost = reply.cost_usd
            return reply
