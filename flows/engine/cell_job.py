"""The job of a cell: what its task needs, what its attempts have done so far, and the trace that comes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from agents.base.agent import Agent
from agents.base.services import AgentServices
from contract.base import digest
from contract.calls import ModelCall
from contract.errors import LoopTimeOver, MissingInput, OverBudget, Transient, WaitsForPerson
from contract.messages import AgentOutput, AgentTrace, CellStatus
from contract.messages import CellError as ErrorRow
from contract.tool_calls import ToolCall
from flows.engine.loop_time import LoopTime
from flows.files.os_error import os_error_text
from flows.results.replies import ResultReplyStore
from flows.spec.cell import Cell

_STATUS_OF_ERROR: Mapping[type[BaseException], CellStatus] = {
    MissingInput: "missing_input", OverBudget: "over_budget", WaitsForPerson: "waiting",
}  # fmt: skip


@dataclass
class Attempts:
    """Calls and trace of the attempts of one task run; Prefect itself keeps only the last error."""

    count: int = 0
    calls: list[ModelCall] = field(default_factory=list[ModelCall])
    """Every call so far, in order."""
    tools: list[ToolCall] = field(default_factory=list[ToolCall])
    """Every call of a tool so far, in order; a kept one that an attempt found again is listed once."""
    trace: AgentTrace | None = None
    """The trace of the attempt that succeeded."""
    retries: int = 0
    """How many attempts can follow the first."""
    on_retry: Callable[[Transient], None] | None = None
    """Called with each failure after which there is a further attempt."""

    def report_retry(self, error: Transient) -> None:
        """Calls `on_retry` if a further attempt follows."""
        if self.on_retry and self.count <= self.retries and error.is_worth_a_try:
            self.on_retry(error)

    def add_calls(self, calls: Iterable[ModelCall]) -> tuple[ModelCall, ...]:
        """Adds the calls of one more attempt, and returns all calls so far.

        An attempt finds the kept replies of the attempt before again; each of these calls is listed once, as paid for.
        """
        known = {call.key for call in self.calls if call.reply}
        self.calls += [call for call in calls if call.key not in known]
        return tuple(self.calls)

    def add_tools(self, calls: Iterable[ToolCall]) -> tuple[ToolCall, ...]:
        """Adds the calls of tools of one more attempt, and returns all so far."""
        known = {call.key for call in self.tools if call.error is None}
        self.tools += [call for call in calls if not (call.from_cache and call.key in known)]
        return tuple(self.tools)


@dataclass(frozen=True)
class CellJob:
    """What the task needs: the cell, the agent, the services and the names for the trace."""

    flow: str
    cell: Cell
    agent: Agent[Any, Any]
    agent_services: AgentServices
    key: str
    parents: tuple[str, ...] = ()
    attempts: Attempts = field(default_factory=Attempts)
    replies: ResultReplyStore | None = None
    """Where replies are set aside that do not fit."""
    timeout_seconds: float | None = None
    """How long the agent may work. Prefect's own limit would count its waits, too."""
    loop_time: LoopTime | None = None
    """The time of the loop that the cell is in."""

    def output_trace(self, output: AgentOutput, started: datetime) -> AgentTrace:
        """The trace of a cell that ended with an output."""
        return self._trace(
            status=output.status,
            value=output.value,
            calls=self.attempts.add_calls(output.calls),
            tools=self.attempts.add_tools(output.tools),
            note=output.note,
            started=started,
        )

    def error_trace(self, error: BaseException, started: datetime) -> AgentTrace:
        """The trace of a cell that ended with an error."""
        message = (os_error_text(error) if isinstance(error, OSError) else str(error)) or type(error).__name__
        # A bound that a study sets is no failure, and the calls made until then are told all the same.
        is_failure = not isinstance(error, LoopTimeOver)
        return self._trace(
            status=_STATUS_OF_ERROR.get(type(error), "failed") if is_failure else "skipped",
            error=ErrorRow(kind=type(error).__name__, message=message) if is_failure else None,
            note=None if is_failure else message,
            calls=tuple(self.attempts.calls),
            tools=tuple(self.attempts.tools),
            started=started,
        )

    def skipped_trace(self, reason: str) -> AgentTrace:
        """The trace of a cell that was skipped for that reason."""
        return self._trace(status="skipped", note=reason, started=datetime.now(UTC))

    def with_current_names(self, trace: AgentTrace) -> AgentTrace:
        """A trace that was read from an earlier run, with this run's names."""
        return trace.model_copy(update=self._identity_fields())

    def _identity_fields(self) -> dict[str, Any]:
        cell = self.cell
        return {
            "cell_id": cell.cell_id,
            "key": self.key,
            "parents": self.parents,
            "flow": self.flow,
            "step": cell.step,
            "agent": cell.agent,
            "agent_version": self.agent.version,
            "record_id": cell.input.record.record_id,
            "record_fingerprint": cell.input.record.fingerprint,
            "variant": cell.variant,
            "variant_id": cell.variant_id,
            "repeat": cell.repeat,
            "round": cell.round,
            "input": cell.input,
        }

    def _trace(self, **fields: Any) -> AgentTrace:
        return AgentTrace(
            **self._identity_fields(), attempts=max(self.attempts.count, 1), ended=datetime.now(UTC), **fields
        )


def cache_key(agent_name: str, agent: Agent[Any, Any], cell: Cell, agent_services: AgentServices) -> str:
    """The digest of everything that the output depends on: no run id, no time, no names of steps."""
    return digest(
        [agent_name, agent.version, agent.output_fingerprint(), agent.cache_key_parts(cell.input, agent_services)]
    )


def checked_cache_key(job: CellJob) -> str:
    """The cache key of the cell. Raises MissingInput, and any other error that prevents the cell from running."""
    job.agent.inputs(job.cell.input)
    if not job.agent.cached:
        return digest(job.cell.cell_id)
    return cache_key(job.cell.agent, job.agent, job.cell, job.agent_services)
