"""Models within a time: those of a conversation that is to end after some seconds of work."""

from __future__ import annotations

from agents.llms.model import Model, Models, ModelWrapper
from agents.llms.work_time import WorkMeter, WorkTimeout
from contract.calls import ModelReply, ModelRequest
from contract.errors import TurnTimeOver


class TimedModels:
    """The models that are waited for as long as the time that `meter` counts is less than `seconds`."""

    def __init__(self, models: Models, meter: WorkMeter, seconds: float) -> None:
        self._models, self._meter, self._seconds = models, meter, seconds

    def get(self, name: str) -> Model:
        """The model of that name. If there is none, raises ModelRejected, which names the nearest."""
        return _TimedModel(self._models.get(name), self._meter, self._seconds)


class _TimedModel(ModelWrapper):
    def __init__(self, inner: Model, meter: WorkMeter, seconds: float) -> None:
        super().__init__(inner)
        self._meter, self._seconds = meter, seconds

    async def complete(self, request: ModelRequest) -> ModelReply:
        """Returns the reply. Raises TurnTimeOver where the time is over before there is one."""
        left = self._seconds - self._meter.seconds
        if left <= 0:
            raise TurnTimeOver(f"not asked, the {self._seconds:g} seconds for calls (max_seconds) were over")
        timeout = WorkTimeout(left)
        try:
            async with timeout:
                return await self._inner.complete(request)
        except TimeoutError as error:
            if not timeout.expired:
                raise
            raise TurnTimeOver(f"no reply within the {self._seconds:g} seconds for calls (max_seconds)") from error
