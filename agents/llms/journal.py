"""A journal of calls, so that every billed call is in the account, even after the process is killed."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Protocol

from agents.llms.model import Model, ModelWrapper
from contract.calls import ModelReply, ModelRequest
from contract.errors import ModelRejected, ModelUnavailable, RateLimited

WorstCase = Callable[[ModelRequest], Decimal | None]
"""US dollars that a call cannot exceed; None where no price is known."""


class Journal(Protocol):
    """Records calls, by `ModelRequest.cache_key`."""

    @property
    def payer(self) -> str:
        """How a reply names who paid for it."""
        ...

    def call_started(self, key: str, model: str, worst: Decimal | None) -> None:
        """Records that a call is about to be sent. When this returns, the record outlives the process."""
        ...

    def call_answered(self, key: str, reply: ModelReply) -> None:
        """Records that the reply came. Who keeps it records that it is kept."""
        ...

    def call_failed(self, key: str, *, may_be_billed: bool) -> None:
        """Records that no reply came. `may_be_billed` is False if the service reported that it did not answer."""
        ...


class Journalled(ModelWrapper):
    """Records each call in the journal, before it is sent and after it ended, and in each reply who paid for it."""

    def __init__(self, inner: Model, journal: Journal, worst_case: WorstCase) -> None:
        super().__init__(inner)
        self._journal = journal
        self._worst_case = worst_case

    async def complete(self, request: ModelRequest) -> ModelReply:
        """Returns one reply. Raises everything that the wrapped model raises."""
        key = request.cache_key(reads_material=self.reads_material)
        self._journal.call_started(key, self.name, self._worst_case(request))
        try:
            reply = await self._inner.complete(request)
        except BaseException as error:
            unbilled = isinstance(error, RateLimited | ModelRejected | ModelUnavailable)
            self._journal.call_failed(key, may_be_billed=not unbilled)
            raise
        paid = reply.model_copy(update={"paid_by": self._journal.payer})
        self._journal.call_answered(key, paid)
        return paid
