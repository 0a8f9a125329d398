"""Scorer: assesses which of the experts' reasons a judge's answer gives."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from agents.base.services import AgentServices
from agents.base.structured_agent import InvalidReply, LLMParameters, StructuredAgent
from agents.evidence.labels import LabelledJudgement, labelled_judgements
from contract.base import Frozen, JsonValue
from contract.calls import ModelReply, json_schema_of
from contract.judgements import Judgement, QualResults
from contract.messages import AgentInput

MAX_REASONS = 40


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class ScorerInputs(Frozen):
    """The answer, and what the experts say should be in it."""

    answer: Judgement
    expected: Annotated[
        tuple[Annotated[str, Field(min_length=1)], ...],
        Field(min_length=1, max_length=MAX_REASONS),
        BeforeValidator(_as_list),
    ]
    """The experts' reasons, each a text; a single text is one reason."""


class ScorerParameters(LLMParameters):
    """As for every agent with a model."""

    template: str = "scorer"


class Scorer(StructuredAgent[ScorerInputs, ScorerParameters, QualResults]):
    """Assesses for each of the experts' reasons whether the answer gives it: one assessment each, in their order."""

    Inputs = ScorerInputs
    Parameters = ScorerParameters
    Output = QualResults
    Reply = QualResults

    @classmethod
    def template_types(cls) -> dict[str, Any]:
        return {**cls.field_types(), "answer": LabelledJudgement}

    def material(self, agent_input: AgentInput, services: AgentServices) -> dict[str, JsonValue]:
        [answer] = labelled_judgements([self.inputs(agent_input).answer])
        return {**super().material(agent_input, services), "answer": answer}

    def schema(self, agent_input: AgentInput, services: AgentServices) -> dict[str, JsonValue]:  # noqa: ARG002
        number = len(self.inputs(agent_input).expected)
        schema: Any = json_schema_of(QualResults)
        schema["properties"]["assessments"] |= {"minItems": number, "maxItems": number}
        return schema

    def build_output(
        self,
        reply: QualResults,
        model_reply: ModelReply,  # noqa: ARG002
        agent_input: AgentInput,
        services: AgentServices,  # noqa: ARG002
    ) -> QualResults:
        expected, given = len(self.inputs(agent_input).expected), len(reply.assessments)
        if given != expected:
            raise InvalidReply(
                f"there are {given} assessments, but {expected} expected reasons; give one for each, in order"
            )
        return reply

    def note(self, output: Frozen) -> str | None:
        if not isinstance(output, QualResults):
            return None
        correct = sum(score.correct for score in output.assessments)
        return f"{correct} of {len(output.assessments)} expected reasons are in the answer"
