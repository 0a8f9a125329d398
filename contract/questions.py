"""Questions to people, and their answers: what gates and tools with consent ask before a run goes on.

An answer is an input of the run. It is kept like a model's reply, under the digest of what was asked and shown.
"""

from __future__ import annotations

from datetime import datetime
from functools import cached_property
from typing import Literal

from pydantic import Field

from contract.base import AnyJson, Frozen, FrozenMap, JsonValue, digest, thawed
from contract.flow import GateField, TimeoutPolicy

Decision = Literal["approve", "reject", "edit", "choose", "answer", "stop", "skip", "fail"]
"""answer: the fields are filled in. stop: this cell ends (of calls of tools). skip, fail: nobody answered in time."""
AnsweredBy = Literal["terminal", "file", "form", "command", "time limit"]
APPROVING: frozenset[Decision] = frozenset({"approve", "edit", "choose"})
RESERVED_FIELDS = frozenset(
    {"run", "gate", "record", "round", "key", "question", "shown", "decision", "value", "choice", "comment", "by", "at"}
)
"""Names that no field of a gate may have: they are the columns of every file of answers."""


class Question(Frozen):
    """What one person is asked about one record."""

    flow: str
    gate: str
    """The gate's name; of a call of a tool, `step.tool`."""
    record_id: str
    record_fingerprint: str = ""
    round: int = 0
    question: str
    who: str = ""
    """Who is to answer, in words."""
    shown: FrozenMap = Field(default_factory=dict, validate_default=True)
    decide: tuple[Decision, ...] = ()
    """What can be decided; empty where only the fields are asked for."""
    value: AnyJson = None
    """What is decided about, and may be changed."""
    allowed: tuple[str, ...] = Field(default=(), exclude_if=lambda value: not value)
    """What the changed value is one of, where it is a verdict; empty where it may be another."""
    options: tuple[AnyJson, ...] = ()
    fields: dict[str, GateField] = Field(default_factory=dict)
    timeout_seconds: int = 3600
    on_timeout: TimeoutPolicy = "wait"

    @cached_property
    def key(self) -> str:
        """Digest of what is asked and shown: the flow, the gate, the record, what is shown, and the form."""
        asked = self.model_dump(mode="json", exclude={"round", "who", "allowed", "timeout_seconds", "on_timeout"})
        return digest(["question", asked])

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """What can be decided, in words: where only fields are asked for, to answer."""
        return self.decide or ("answer",)


class Answer(Frozen):
    """What a person decided, who, when and why."""

    decision: Decision
    value: AnyJson = None
    """What goes on: what was shown, as the person changed it, or what was chosen."""
    fields: FrozenMap = Field(default_factory=dict, validate_default=True)
    comment: str = ""
    by: str = ""
    at: datetime
    via: AnsweredBy
    difference: str = ""
    """What the person changed, as a unified diff."""

    @property
    def approved(self) -> bool:
        """Whether the value goes on."""
        return self.decision in APPROVING

    @property
    def reason(self) -> str:
        """Who decided and why, as the end of a sentence: ` by ana: too harsh`."""
        return (f" by {self.by}" if self.by else "") + (f": {self.comment}" if self.comment else "")

    def decides_as(self, other: Answer) -> bool:
        """Whether both decide the same, for the same reason, whoever decided and when."""
        names = {"decision", "value", "fields", "comment"}
        return self.model_dump(mode="json", include=names) == other.model_dump(mode="json", include=names)

    def covers(self, later: Answer) -> bool:
        """Whether a later answer adds nothing: the same decision by the same person, or by one who is not named."""
        return self.decides_as(later) and later.by in ("", self.by)


def gate_output(question: Question, answer: Answer) -> dict[str, JsonValue]:
    """What later steps see of an answer under the gate's name."""
    fields: dict[str, JsonValue] = thawed(answer.fields)
    if not question.decide:
        return fields
    value = thawed(answer.value) if answer.approved else None
    return {
        "decision": answer.decision, "approved": answer.approved, "value": value, "comment": answer.comment, **fields
    }  # fmt: skip
