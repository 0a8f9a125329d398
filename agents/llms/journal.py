"""A journal of started calls, so that calls whose reply never came are known even after the process is killed."""

from __future__ import annotations

from typing import Protocol

from agents.llms.model import Model, ModelWrapper
from contract.calls import ModelReply, ModelRequest
from contract.errors import ModelRejected, ModelUnavailable, RateLimited


class Journal(Protocol):
    """Records started and ended calls, by `ModelRequest.cache_key`."""

    def call_started(self, key: str) -> None:
        """Records that a call is about to be sent. When this returns, the record outlives the process."""
        ...

    def call_ended(self, key: str, *, answered: bool) -> None:
        """Records the end of a call. `answered` is False if the service may have worked, and billed, with no reply."""
        ...


class Journalled(ModelWrapper):
    """Records each call in the journal, before it is sent and after it ended."""

    def __init__(self, inner: Model, journal: Journal) -> None:
        super().__init__(inner)
        self._journal = journal

    async def complete(self, request: ModelRequest) -> ModelReply:
        """Returns one reply. Raises everything that the wrapped model raises."""
        key = request.cache_key(reads_material=self.reads_material)
        self._journal.call_started(key)
        answered = False
        try:
            reply = await self._inner.complete(request)
            answered = True
            return reply
        except (RateLimited, ModelRejected, ModelUnavailable):
            answered = True
            raise
        finally:
            self._journal.call_ended(key, answered=answered)
