"""Synthesiser: merges several answers into one, from their own quotations only."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from agents.base.services import AgentServices
from agents.base.structured_agent import LLMParameters, StructuredAgent
from agents.evidence.labels import (
    LabelledAnswer,
    LabelledPassage,
    answer_from_draft,
    draft_schema,
    labelled_answers,
    labelled_passages,
)
from contract.base import Frozen, JsonValue
from contract.calls import ModelReply
from contract.findings import Passage, ResearchAnswer, ResearchDraft
from contract.messages import AgentInput, AgentOutput, output_value


class SynthesiserInputs(Frozen):
    """The question, the answers to merge and the passages that they quote."""

    question: str
    answers: tuple[ResearchAnswer, ...] = Field(min_length=1)
    passages: tuple[Passage, ...] = ()


class SynthesiserParameters(LLMParameters):
    """As for every agent with a model."""

    template: str = "synthesiser"


class Synthesiser(StructuredAgent[SynthesiserInputs, SynthesiserParameters, ResearchDraft]):
    """Merges answers into one; a claim of only one of them is kept when its quotation supports it."""

    version = "3"
    Inputs = SynthesiserInputs
    Parameters = SynthesiserParameters
    Output = ResearchAnswer
    Reply = ResearchDraft

    @classmethod
    def template_types(cls) -> dict[str, Any]:
        return {
            **cls.field_types(),
            "passages": tuple[LabelledPassage, ...],
            "answers": tuple[LabelledAnswer, ...],
        }

    def material(self, agent_input: AgentInput, services: AgentServices) -> dict[str, JsonValue]:
        inputs = self.inputs(agent_input)
        return {
            **super().material(agent_input, services),
            "passages": labelled_passages(_quoted_passages(inputs)),
            "answers": labelled_answers(inputs.answers, _quoted_passages(inputs)),
        }

    def schema(self, agent_input: AgentInput, services: AgentServices) -> dict[str, JsonValue]:  # noqa: ARG002
        return draft_schema(_quoted_passages(self.inputs(agent_input)))

    def build_output(
        self,
        reply: ResearchDraft,
        model_reply: ModelReply,
        agent_input: AgentInput,
        services: AgentServices,  # noqa: ARG002
    ) -> ResearchAnswer:
        inputs = self.inputs(agent_input)
        model = self.parameters(agent_input).model
        return answer_from_draft(reply, inputs.question, _quoted_passages(inputs), model_reply, model, inputs.answers)

    async def process(self, agent_input: AgentInput, services: AgentServices) -> AgentOutput:
        inputs = self.inputs(agent_input)
        if not any(answer.claims for answer in inputs.answers):
            nothing = ResearchAnswer(question=inputs.question, unanswered=(inputs.question,))
            return AgentOutput(value=output_value(nothing), note="no answer makes a claim; no model was asked")
        return await super().process(agent_input, services)


def _quoted_passages(inputs: SynthesiserInputs) -> list[Passage]:
    """Returns only the passages that the answers quote: fewer tokens, and nothing new to quote."""
    quoted = {
        citation.passage_id for answer in inputs.answers for claim in answer.claims for citation in claim.citations
    }
    return [passage for passage in inputs.passages if passage.passage_id in quoted]
