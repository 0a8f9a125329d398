"""Differences: where several answers agree and differ, and which answers hold which position."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import Field

from agents.base.services import AgentServices
from agents.base.structured_agent import InvalidReply, LLMParameters, StructuredAgent
from agents.evidence.labels import (
    LabelledAnswer,
    LabelledJudgement,
    judgement_labels,
    labelled_answers,
    labelled_judgements,
)
from contract.base import Frozen, JsonValue
from contract.calls import ModelReply
from contract.comparisons import AnswerLabel, Differences, DifferencesDraft
from contract.findings import ResearchAnswer
from contract.judgements import Judgement
from contract.messages import AgentInput


class DifferencesInputs(Frozen):
    """The answers to compare: judgements of one record, or answers to one question."""

    answers: tuple[Judgement, ...] | tuple[ResearchAnswer, ...] = Field(min_length=2)
    question: str = ""
    """For answers to a question."""


class DifferencesParameters(LLMParameters):
    """As for every agent with a model."""

    template: str = "differences"


class DifferencesAgent(StructuredAgent[DifferencesInputs, DifferencesParameters, DifferencesDraft]):
    """Compares answers topic by topic; every position names the answers that hold it.

    The output names the model, criterion and repeat that each label stands for.
    """

    Inputs = DifferencesInputs
    Parameters = DifferencesParameters
    Output = Differences
    Reply = DifferencesDraft

    @classmethod
    def template_types(cls) -> dict[str, Any]:
        return {**cls.field_types(), "answers": tuple[LabelledJudgement | LabelledAnswer, ...]}

    def material(self, agent_input: AgentInput, services: AgentServices) -> dict[str, JsonValue]:
        answers = self.inputs(agent_input).answers
        return {**super().material(agent_input, services), "answers": _labelled_answers_json(answers)}

    def build_output(
        self,
        reply: DifferencesDraft,
        model_reply: ModelReply,  # noqa: ARG002
        agent_input: AgentInput,
        services: AgentServices,  # noqa: ARG002
    ) -> Differences:
        labels = _answer_labels(self.inputs(agent_input).answers)
        known = {label.label for label in labels}
        named = {label for topic in reply.divergences for position in topic.positions for label in position.held_by}
        if named - known:
            raise InvalidReply(f"held_by names {sorted(named - known)}, but the answers are {sorted(known)}")
        return Differences(conclusion=reply.conclusion, divergences=reply.divergences, answers=labels)


def _labelled_answers_json(answers: Sequence[Judgement] | Sequence[ResearchAnswer]) -> list[JsonValue]:
    judgements = [answer for answer in answers if isinstance(answer, Judgement)]
    if judgements:
        return labelled_judgements(judgements)
    return labelled_answers([answer for answer in answers if isinstance(answer, ResearchAnswer)], ())


def _answer_labels(answers: Sequence[Judgement] | Sequence[ResearchAnswer]) -> tuple[AnswerLabel, ...]:
    judgements = [answer for answer in answers if isinstance(answer, Judgement)]
    if judgements:
        return judgement_labels(judgements)
    return tuple(
        AnswerLabel(label=f"A{number}", model=answer.model, repeat=answer.repeat)
        for number, answer in enumerate(answers, start=1)
    )
