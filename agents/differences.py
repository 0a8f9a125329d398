"""Differences: where several answers agree and where they part, and who holds what."""

from __future__ import annotations

from pydantic import Field

from agents.drafts import labelled_answers
from agents.llm import LLMParameters, ReplyUnfit, StructuredAgent
from contract.base import Frozen, JsonValue
from contract.calls import ModelReply
from contract.findings import Differences, ResearchAnswer
from contract.messages import AgentInput


class DifferencesInputs(Frozen):
    """The question and the answers to compare."""

    question: str
    answers: tuple[ResearchAnswer, ...] = Field(min_length=2)


class DifferencesParameters(LLMParameters):
    """As for every model."""

    template: str = "differences"


class DifferencesAgent(StructuredAgent[DifferencesInputs, DifferencesParameters, Differences]):
    """Compares answers matter by matter; every position names the answers that hold it."""

    Inputs = DifferencesInputs
    Parameters = DifferencesParameters
    Output = Differences
    Reply = Differences

    def material(self, given_input: AgentInput) -> dict[str, JsonValue]:
        answers = self.inputs(given_input).answers
        return {**super().material(given_input), "answers": labelled_answers(answers, ())}

    def finish(self, reply: Differences, given_input: AgentInput, raw: ModelReply) -> Differences:  # noqa: ARG002
        known = {f"A{number}" for number in range(1, len(self.inputs(given_input).answers) + 1)}
        named = {label for matter in reply.divergences for position in matter.positions for label in position.held_by}
        if named - known:
            raise ReplyUnfit(f"held_by names {sorted(named - known)}, but the answers are {sorted(known)}")
        return reply
