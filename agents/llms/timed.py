"""Models within a time: those of a conversation that is to end after some seconds of work."""

from __future__ import annotations

from agents.llms.model import Model, Models, ModelWrapper
from agents.llms.work_time import WorkMeter, WorkTimeout
from contract.calls import ModelReply, ModelRequest
from contract.errors import TurnTimeOver


class TimedModels:
    """The models that are waited for as long as the time that `meter` counts is less than `until`.

    `time` is what it is called where it is over, for example "60 seconds for calls".
    """

    def __init__(self, models: Models, meter: WorkMeter, until: float, time: str) -> None:
        self._models, self._meter, self._until, self._time = models, meter, until, time

    def get(self, name: str) -> Model:
        """The model of that name. If there is none, raises ModelRejected, which names the nearest."""
        return _TimedModel(self._models.get(name), self._meter, self._until, self._time)


class _TimedModel(ModelWrapper):
    def __init__(self, inner: Model, meter: WorkMeter, until: float, time: str) -> None:
        super().__init__(inner)
        self._meter, self._until, self._time = meter, until, time

    async def complete(self, request: ModelRequest) -> ModelReply:
        """Returns the reply. Raises TurnTimeOver where the time is over before there is one."""
        left = self._until - self._meter.seconds
        if left <= 0:
            raise TurnTimeOver(f"not asked, the {self._time} were over")
        timeout = WorkTimeout(left)
        try:
            async with timeout:
                return await self._inner.complete(request)
        except TimeoutError as error:
            if not timeout.expired:
                raise
            raise TurnTimeOver(f"no reply within the {self._time}") from error
