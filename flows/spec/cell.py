"""A cell: one record x step x variant x repeat, which is one call of an agent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from contract.base import JsonValue
from contract.messages import AgentInput


@dataclass(frozen=True)
class Cell:
    """One agent call to make, with identifiers that stay the same from run to run."""

    cell_id: str
    step: str
    agent: str
    variant: Mapping[str, JsonValue]
    variant_id: str
    repeat: int
    round: int
    input: AgentInput

    @property
    def label(self) -> str:
        """The task run's name in the UI: agent, model or variant, record."""
        words = [self.agent, *(truncated(value) for value in self.variant.values()), self.input.record.record_id]
        round_label = [f"round {self.round}"] if self.round else []
        repeat_label = [f"repeat {self.repeat + 1}"] if self.repeat else []
        return ", ".join([*words, *round_label, *repeat_label])


def truncated(value: JsonValue) -> str:
    """The value as a word for a list in the UI."""
    text = str(value)
    return text if len(text) <= 40 else f"{text[:39]}…"
