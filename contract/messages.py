"""What goes into an agent and what comes out: AgentInput, AgentOutput, AgentTrace."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Any, Literal, Self, TypeVar

from pydantic import Field, model_validator

from contract.base import Frozen, FrozenMap, JsonValue
from contract.calls import FinishReason, Message, ModelCall, Usage
from contract.questions import Answer
from contract.record import Record
from contract.tool_calls import ToolCall

OutputStatus = Literal["completed", "refused", "truncated"]
CellStatus = Literal[
    "completed", "refused", "truncated", "failed", "skipped", "missing_input", "over_budget", "waiting"
]
"""over_budget: not asked, because its call could have passed the budget; the same command with more goes on.
waiting: it depends on a question to a person that is not answered yet; the same command goes on."""


T = TypeVar("T")


class AgentInput(Frozen):
    """All that an agent is given for one call. Services (models, search) come beside it, in `Given`."""

    record: Record
    inputs: FrozenMap = Field(default_factory=dict, validate_default=True)
    """Values named by the step's `inputs`, taken from upstream outputs, the record or the request."""
    parameters: FrozenMap = Field(default_factory=dict, validate_default=True)
    """The step's parameters with this variant's values in place."""
    repeat: int = 0

    @cached_property
    def _memo(self) -> dict[Hashable, Any]:
        return {}

    def memoize(self, key: Hashable, compute: Callable[[], T]) -> T:
        """Returns the value of `compute`, which runs at the first call only: an input is read several times.

        `key` names the value, and holds all else that the value depends on.
        """
        if key not in self._memo:
            self._memo[key] = compute()
        return self._memo[key]

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Copies as Pydantic does, without the memoized values."""
        copy = super().model_copy(update=update, deep=deep)
        vars(copy).pop("_memo", None)
        return copy


class AgentOutput(Frozen):
    """What an agent made of its input."""

    value: FrozenMap | None = None
    """The output as its declared type dumps; None when the model refused or was cut off."""
    status: OutputStatus = "completed"
    calls: tuple[ModelCall, ...] = ()
    """Every model call made, in order, the re-asked ones included."""
    tools: tuple[ToolCall, ...] = ()
    """Every call of a tool, in order, the failed ones included."""
    note: str | None = None
    """One sentence for the reader where something should be known (why it abstained, what was dropped)."""

    @model_validator(mode="after")
    def _value_fits_status(self) -> AgentOutput:
        if (self.status == "completed") != (self.value is not None):
            raise ValueError("a completed output has a value, and only a completed output has one")
        return self


class CellError(Frozen):
    """Why a cell has no output."""

    kind: str
    """The error class, for example `RateLimited`."""
    message: str


class AgentTrace(Frozen):
    """The persisted account of one cell: one record, one step, one variant, one repeat.

    It holds no run id and no secret, so that a later run can reuse it whole.
    """

    cell_id: str
    """Digest of flow, step, record, variant and repeat (with round in a loop); stable between runs."""
    key: str
    """The cache key: digest of all that the output depends on."""
    parents: tuple[str, ...] = ()
    """Cell ids of the outputs that this one was given."""
    flow: str
    step: str
    agent: str
    agent_version: str
    record_id: str
    record_fingerprint: str
    variant: FrozenMap = Field(default_factory=dict, validate_default=True)
    variant_id: str = ""
    repeat: int = 0
    round: int = 0
    """Which turn of a loop, counted from 1; 0 outside loops."""
    input: AgentInput
    status: CellStatus
    value: FrozenMap | None = None
    calls: tuple[ModelCall, ...] = ()
    tools: tuple[ToolCall, ...] = Field(default=(), exclude_if=lambda value: not value)
    """The calls of tools, where the agent uses any."""
    answer: Answer | None = Field(default=None, exclude_if=lambda value: value is None)
    """At a gate: what a person decided, who, when and why."""
    note: str | None = None
    error: CellError | None = None
    attempts: int = 1
    """How often the task ran before it ended so."""
    started: datetime
    ended: datetime

    @property
    def messages(self) -> tuple[Message, ...]:
        """The exact messages of the last call, or none for an agent that asks no model."""
        return self.calls[-1].messages if self.calls else ()

    @property
    def raw_reply(self) -> str | None:
        """The last reply, untouched."""
        replies = [call.reply for call in self.calls if call.reply]
        return replies[-1].text if replies else None

    @property
    def finish_reason(self) -> FinishReason | None:
        """Why the last reply ended."""
        replies = [call.reply for call in self.calls if call.reply]
        return replies[-1].finish_reason if replies else None

    @property
    def usage(self) -> Usage | None:
        """Tokens over all calls; None as soon as those of one call are unknown."""
        total = Usage()
        for reply in (call.reply for call in self.calls if call.reply):
            if not reply.usage_is_known:
                return None
            total = total + reply.usage
        return total

    @property
    def cost_usd(self) -> Decimal | None:
        """US dollars over all calls; None as soon as the price of one call is unknown."""
        costs = [call.reply.cost_usd for call in self.calls if call.reply]
        return sum((cost for cost in costs if cost is not None), Decimal(0)) if None not in costs else None


def output_value(model: Frozen) -> dict[str, JsonValue]:
    """A typed output as the JSON object that `AgentOutput.value` holds."""
    return model.model_dump(mode="json")
