"""Collects what scorers find: how many of the experts' reasons each judge's answers give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from contract.base import thawed
from contract.flow import FlowSpec
from contract.messages import AgentTrace
from flows.spec.nodes import steps_of
from flows.tables.identity import criterion_key

SCORER = "scorer"


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """One answer as it was scored."""

    record_id: str
    criteria: str
    judge: str
    """The model of the answer; with `, synthesis` for an answer that was made of several."""
    scorer: str
    """The step that scored it."""
    found: int
    expected: int


class ScoreCollector:
    """Collects the scores of a run, one cell at a time."""

    def __init__(self, spec: FlowSpec) -> None:
        self._steps = {name for name, step in steps_of(spec).items() if step.agent == SCORER}
        self.rows = list[ScoreRow]()

    def add(self, trace: AgentTrace) -> None:
        """Adds one cell; only the first of an answer's repeats counts, as for the measures of verdicts."""
        if trace.step not in self._steps or trace.value is None:
            return
        answer: dict[str, Any] = thawed(trace.input.inputs.get("answer")) or {}
        if answer.get("repeat"):
            return
        assessments: list[dict[str, Any]] = thawed(trace.value.get("assessments")) or []
        judge, criteria = str(answer.get("model") or ""), str(answer.get("criteria") or "")
        self.rows.append(ScoreRow(
            trace.record_id, criterion_key(criteria), f"{judge}, synthesis" if answer.get("answers") else judge,
            trace.step, sum(one.get("correct") is True for one in assessments), len(assessments),
        ))  # fmt: skip
