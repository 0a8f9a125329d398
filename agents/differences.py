"""Differences: where several answers agree and differ, and which answers hold which position."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
from agents.evidence.read_labels import labels_in
from contract.base import Frozen, JsonValue
from contract.calls import ModelReply
from contract.comparisons import AnswerLabel, Differences, DifferencesDraft, Divergence
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
        divergences = tuple(_with_plain_labels(topic) for topic in reply.divergences)
        named = {label for topic in divergences for position in topic.positions for label in position.held_by}
        if named - known:
            raise InvalidReply(f"held_by names {sorted(named - known)}, but the answers are {sorted(known)}")
        return Differences(conclusion=reply.conclusion, divergences=divergences, answers=labels)


def _with_plain_labels(topic: Divergence) -> Divergence:
    """The topic with `A1` in `held_by` where its model wrote `Answer 1` or `a1`."""
    positions = tuple(
        position.model_copy(update={"held_by": tuple(dict.fromkeys(_plain_labels(position.held_by)))})
        for position in topic.positions
    )
    return topic.model_copy(update={"positions": positions})


def _plain_labels(written: Sequence[str]) -> Iterator[str]:
    for text in written:
        yield from labels_in(text, "A") or [text]


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
