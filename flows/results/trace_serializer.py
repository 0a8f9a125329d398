"""The result of a cell's task, and how Prefect keeps it: as the JSON of its `AgentTrace`."""

from __future__ import annotations

from typing import Any

from prefect.serializers import JSONSerializer
from pydantic import Field, ValidationError

from contract.messages import AgentTrace


class KeptTrace:
    """A trace as a task returns it.

    Prefect searches models, dicts and lists for results of other tasks, and remembers every part of them as long as the
    flow runs. Of an instance of this class it remembers one object.
    """

    def __init__(self, trace: AgentTrace) -> None:
        self.trace = trace


class TraceSerializer(JSONSerializer):  # type: ignore[reportMissingTypeArgument] - with a type argument, Prefect would need a name for it
    """A trace as JSON text. Errors, which Prefect keeps too, are written as Prefect writes them."""

    type: str = Field(default="trace", frozen=True)

    def dumps(self, obj: Any) -> bytes:
        """The trace as JSON in UTF-8."""
        return obj.trace.model_dump_json().encode() if isinstance(obj, KeptTrace) else super().dumps(obj)

    def loads(self, blob: bytes) -> Any:
        """The `KeptTrace`, or the error, that was dumped."""
        try:
            return KeptTrace(AgentTrace.model_validate_json(blob))
        except ValidationError:
            return super().loads(blob)
