"""Kept traces: the result of a cell's task, and how Prefect keeps it: as the JSON of its `AgentTrace`."""

from __future__ import annotations

from prefect.serializers import Serializer
from pydantic import Field

from contract.messages import AgentTrace


class KeptTrace:
    """A trace as a task returns it.

    Prefect walks models, dicts and lists in search of what other tasks returned, and remembers every part of them for
    as long as the flow runs; of this it remembers one thing.
    """

    def __init__(self, trace: AgentTrace) -> None:
        self.trace = trace


class TraceSerializer(Serializer):  # type: ignore[reportMissingTypeArgument] - with one, they would want a name for it
    """Dumps a trace as JSON text, and loads it again."""

    type: str = Field(default="trace", frozen=True)

    def dumps(self, obj: KeptTrace) -> bytes:
        """The trace as JSON in UTF-8."""
        return obj.trace.model_dump_json().encode()

    def loads(self, blob: bytes) -> KeptTrace:
        """Raises pydantic.ValidationError when it is no trace of this version."""
        return KeptTrace(AgentTrace.model_validate_json(blob))
