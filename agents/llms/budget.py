"""A spending limit: no call starts that could take a run over its budget.

    model = Budgeted(Limited(hosted, limits), budget, lambda request: worst_case(price, config, request))

Before a call, the most that it can cost is reserved. After it, its real cost is booked and the rest is released. A
call that does not fit waits while other calls run, because they may release money. It is refused when none is running.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal

from agents.llms.model import Model, ModelWrapper
from agents.llms.work_time import not_counted
from contract.calls import ModelReply, ModelRequest
from contract.errors import ModelRejected, ModelUnavailable, OverBudget, RateLimited

WorstCase = Callable[[ModelRequest], Decimal]
"""US dollars that a call cannot exceed."""
_UNBILLED_ERRORS = (RateLimited, ModelRejected, ModelUnavailable)
"""Errors by which the service itself reports that it did not answer. After any other failure it may have answered, and
may bill for it."""


@dataclass
class Reservation:
    """Money that is set aside for one call, until its cost is known."""

    worst_case: Decimal
    cost: Decimal
    """US dollars booked at the end: the worst case, unless the real cost is known."""


class Budget:
    """The US dollars that a run may spend. Belongs to one event loop."""

    def __init__(self, limit: Decimal) -> None:
        self.limit = limit
        self.spent = Decimal(0)
        """US dollars booked for ended calls; the worst case for a call whose cost is unknown."""
        self._reserved = Decimal(0)
        self._changed = asyncio.Condition()

    @property
    def available(self) -> Decimal:
        """US dollars that are neither spent nor reserved."""
        return max(self.limit - self.spent - self._reserved, Decimal(0))

    @property
    def reserved(self) -> Decimal:
        """US dollars that are set aside for what is under way; what it does not spend is available again after it."""
        return self._reserved

    @asynccontextmanager
    async def reserve(self, worst_case: Decimal) -> AsyncGenerator[Reservation]:
        """Reserves `worst_case` while the block runs. Raises OverBudget if it no longer fits."""
        await self._wait_and_reserve(worst_case)
        reservation = Reservation(worst_case, worst_case)
        try:
            yield reservation
        finally:
            self._reserved -= worst_case
            self.spent += reservation.cost
            async with self._changed:
                self._changed.notify_all()

    async def _wait_and_reserve(self, worst_case: Decimal) -> None:
        async with self._changed:
            while self.spent + self._reserved + worst_case > self.limit:
                if not self._reserved:
                    raise OverBudget(
                        f"the call could cost ${worst_case:.4f}, and ${self.spent:.4f} of the budget of ${self.limit} "
                        "is spent; the same command with a larger budget goes on from here"
                    )
                with not_counted():
                    await self._changed.wait()
            self._reserved += worst_case


class Budgeted(ModelWrapper):
    """Sends only requests that the budget can pay for."""

    def __init__(self, inner: Model, budget: Budget, worst_case: WorstCase) -> None:
        super().__init__(inner)
        self._budget = budget
        self._worst_case = worst_case

    async def complete(self, request: ModelRequest) -> ModelReply:
        """Returns one reply. Raises OverBudget without a call, and everything that the wrapped model raises."""
        async with self._budget.reserve(self._worst_case(request)) as reservation:
            try:
                reply = await self._inner.complete(request)
            except _UNBILLED_ERRORS:
                reservation.cost = Decimal(0)
                raise
            if reply.cost_usd is not None:
                reservation.cost = reply.cost_usd
            return reply
