"""The result of a cell's task, and how Prefect keeps it: as the JSON of its `AgentTrace`.

Of a task that failed the result is its error. It carries the trace of what was done before.
"""

from __future__ import annotations

import json
from typing import Any

from prefect.serializers import JSONSerializer
from pydantic import Field, ValidationError

from contract.messages import AgentTrace

_ATTRIBUTE = "_agent_trace"


class KeptTrace:
    """A trace as a task returns it.

    Prefect searches models, dicts and lists for results of other tasks, and remembers every part of them as long as the
    flow runs. Of an instance of this class it remembers one object.
    """

    def __init__(self, trace: AgentTrace) -> None:
        self.trace = trace


def attach_trace(error: BaseException, trace: AgentTrace) -> None:
    """Makes `error` carry the trace of the cell that ended with it."""
    setattr(error, _ATTRIBUTE, trace)


def attached_trace(error: BaseException) -> AgentTrace | None:
    """The trace that `error` carries, or None."""
    return getattr(error, _ATTRIBUTE, None)


class TraceSerializer(JSONSerializer):  # type: ignore[reportMissingTypeArgument] - with a type argument, Prefect would need a name for it
    """A trace as JSON text. An error, which Prefect keeps too, is written as Prefect writes it, beside its trace."""

    type: str = Field(default="trace", frozen=True)

    def dumps(self, obj: Any) -> bytes:
        """The trace as JSON in UTF-8."""
        if isinstance(obj, KeptTrace):
            return obj.trace.model_dump_json().encode()
        if isinstance(obj, BaseException) and (trace := attached_trace(obj)):
            error = super().dumps(obj).decode()
            return json.dumps({"error": error, "trace": trace.model_dump(mode="json")}).encode()
        return super().dumps(obj)

    def loads(self, blob: bytes) -> Any:
        """The `KeptTrace`, or the error, that was dumped."""
        try:
            return KeptTrace(AgentTrace.model_validate_json(blob))
        except ValidationError:
            pass
        found = json.loads(blob)
        if isinstance(found, dict) and found.keys() == {"error", "trace"}:  # type: ignore[reportUnknownMemberType]
            error: Any = super().loads(found["error"].encode())  # type: ignore[reportUnknownMemberType, reportUnknownArgumentType]
            attach_trace(error, AgentTrace.model_validate(found["trace"]))
            return error
        return super().loads(blob)


def trace_in(blob: bytes) -> AgentTrace | None:
    """The trace in a dumped result, also that of a failed task. Builds no error, whose class may be anything."""
    for dumped in (blob, _failed_trace(blob)):
        try:
            return AgentTrace.model_validate_json(dumped)
        except ValidationError:
            continue
    return None


def _failed_trace(blob: bytes) -> bytes:
    try:
        return json.dumps(json.loads(blob)["trace"]).encode()
    except (ValueError, KeyError, TypeError, RecursionError):
        return b""
