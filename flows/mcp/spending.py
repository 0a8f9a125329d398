"""What clients may spend: a budget for each call, and within that of the token, if it carries one."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

from agents.llms.budget import Budget, Reservation
from agents.llms.prices import price_of
from agents.tools.tool import BadArguments, ToolFailed
from contract.errors import Problem, StudyError
from contract.models import HostedModel, ModelConfig
from contract.secrets import is_loopback_host
from flows.spec.study import Study
from flows.spec.tool_registry import installed_step_tools

BUDGET_SCHEMA: dict[str, Any] = {
    "type": "number",
    "minimum": 0,
    "maximum": 1_000_000,
    "description": "The US dollars that this call may pay. Asked for where a model can cost money.",
}

BUDGET_OF_TOOL_SCHEMA: dict[str, Any] = {
    "type": "number",
    "exclusiveMinimum": 0,
    "maximum": 1_000_000,
    "description": "The US dollars that this call may pay. Nobody measures what it does pay, so all of it is booked.",
}


class NestedBudget(Budget):
    """A call's own limit, inside a budget that it shares with other calls."""

    def __init__(self, limit: Decimal, outer: Budget) -> None:
        super().__init__(limit)
        self._outer = outer

    @asynccontextmanager
    async def reserve(self, worst_case: Decimal) -> AsyncGenerator[Reservation]:
        async with super().reserve(worst_case) as own, self._outer.reserve(worst_case) as shared:
            try:
                yield own
            finally:
                shared.cost = own.cost


class Spending:
    """The money of one server. `limit` is in US dollars, for all its calls together; None sets no limit of its own."""

    def __init__(self, limit: Decimal | None = None) -> None:
        self.shared = None if limit is None else Budget(limit)

    @property
    def asks(self) -> bool:
        """Whether a call that can cost money has to name its own budget."""
        return self.shared is None

    def of_call(self, study: Study, tool: str, amount: Decimal | None) -> Budget | None:
        """Returns the budget of a call; None where nothing can cost money. Raises StudyError where one is missing."""
        paid = models_that_cost(study)
        if not paid:
            return None
        if self.shared is None:
            if amount is None and study.run.budget is None:
                raise StudyError([_no_budget(tool, paid)])
            return None if amount is None else Budget(amount)
        return self.shared if amount is None else NestedBudget(amount, self.shared)

    def of_run(self, study: Study, tool: str, amount: Decimal | None) -> Decimal | None:
        """Returns the budget of a run, in US dollars. Raises StudyError where one is missing or exceeds the token's."""
        paid = [*models_that_cost(study), *tools_that_spend(study)]
        if not paid:
            return amount
        if self.shared is None:
            if amount is None and study.run.budget is None:
                raise StudyError([_no_budget(tool, paid)])
            return amount
        left = self._left(self.shared, tool, amount)
        return left if amount is None else amount

    @asynccontextmanager
    async def of_tool(self, tool: str, amount: Decimal | None) -> AsyncGenerator[None]:
        """Holds what a function of a package may pay while the block runs, and books it: nobody measures what it pays.

        None is for one that costs nothing. Raises ToolFailed where the token's budget has less left. Arguments that
        do not fit are found before the function is called, and cost nothing.
        """
        if amount is None or self.shared is None:
            yield
            return
        self._left(self.shared, tool, amount)
        async with self.shared.reserve(amount) as reservation:
            try:
                yield
            except BadArguments:
                reservation.cost = Decimal(0)
                raise

    def _left(self, shared: Budget, tool: str, amount: Decimal | None) -> Decimal:
        """What is left for a call. Raises ToolFailed where that is nothing, or less than `amount`."""
        left = shared.available
        if left <= 0 or (amount is not None and amount > left):
            todo = "give a smaller budget, or start the server with a larger one"
            if shared.reserved:
                held = f"${shared.reserved:.2f} is held for what is under way, and what that does not spend comes back"
                todo = f"{held}; wait for it, and give each call a smaller `budget`, since one without it holds all"
            what = f"${left:.2f} of the budget of ${shared.limit}, which the token carries, is left"
            raise ToolFailed(f"{tool}: {what}; {todo}")
        return left


def models_that_cost(study: Study) -> list[str]:
    """The models of a study that can cost money: those with a price, and those elsewhere whose price is not known."""
    return [name for name in sorted(study.used_models) if _can_cost(study.models[name])]


def tools_that_spend(study: Study) -> list[str]:
    """The tools of packages that a study's steps use and that may cost money, which nobody measures."""
    tools = installed_step_tools(study.flow)
    return [name for name, tool in tools.items() if "spend" in tool.definition.permissions]


def _can_cost(config: ModelConfig) -> bool:
    price = price_of(config)
    if price is not None:
        return bool(price.input_per_mtok or price.output_per_mtok)
    # A server on this machine, such as Ollama, sends no bills.
    address = config.base_url if isinstance(config, HostedModel) else None
    return address is None or not is_loopback_host(address.host or "")


def _no_budget(tool: str, models: list[str]) -> Problem:
    named = ", ".join(f"'{name}'" for name in models)
    return Problem(tool, f"{named} can cost money, and there is no budget", todo="give `budget`, in US dollars")
