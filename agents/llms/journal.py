"""Journal: which calls were begun, so that those whose reply never came are known even after a kill."""

from __future__ import annotations

from typing import Protocol

from agents.llms.model import Model, ModelWrapper
from contract.calls import ModelReply, ModelRequest
from contract.errors import ModelRejected, ModelUnavailable, RateLimited


class Journal(Protocol):
    """Where begun and ended calls are written down, by `ModelRequest.key`."""

    def call_started(self, key: str) -> None:
        """A call is about to be sent; when this returns, that outlives the process."""
        ...

    def call_ended(self, key: str, *, answered: bool) -> None:
        """It came back; `answered` is False where the service may have worked, and billed, without a reply to us."""
        ...


class Journalled(ModelWrapper):
    """Writes down each call before it is sent and after it came back."""

    def __init__(self, inner: Model, journal: Journal) -> None:
        super().__init__(inner)
        self._journal = journal

    async def complete(self, request: ModelRequest) -> ModelReply:
        """One reply. Raises whatever the model inside raises."""
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
