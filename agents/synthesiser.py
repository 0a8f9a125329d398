"""Synthesiser: one answer out of several, from their own quotations only."""

from __future__ import annotations

from pydantic import Field

from agents.base.services import Given
from agents.base.structured_agent import LLMParameters, StructuredAgent
from agents.evidence.labels import answer_of, labelled, labelled_answers
from contract.base import Frozen, JsonValue
from contract.calls import ModelReply
from contract.findings import Passage, ResearchAnswer, ResearchDraft
from contract.messages import AgentInput


class SynthesiserInputs(Frozen):
    """The question, the answers to merge and the passages that they quote."""

    question: str
    answers: tuple[ResearchAnswer, ...] = Field(min_length=1)
    passages: tuple[Passage, ...] = ()


class SynthesiserParameters(LLMParameters):
    """As for every model."""

    template: str = "synthesiser"


class Synthesiser(StructuredAgent[SynthesiserInputs, SynthesiserParameters, ResearchDraft]):
    """Merges answers into one; what only one of them says is kept when its quotation carries it."""

    Inputs = SynthesiserInputs
    Parameters = SynthesiserParameters
    Output = ResearchAnswer
    Reply = ResearchDraft

    def material(self, given_input: AgentInput, given: Given) -> dict[str, JsonValue]:
        inputs = self.inputs(given_input)
        return {
            **super().material(given_input, given),
            "passages": labelled(_quoted(inputs)),
            "answers": labelled_answers(inputs.answers, _quoted(inputs)),
        }

    def finish(
        self,
        reply: ResearchDraft,
        raw: ModelReply,
        given_input: AgentInput,
        given: Given,  # noqa: ARG002
    ) -> ResearchAnswer:
        inputs = self.inputs(given_input)
        return answer_of(reply, inputs.question, _quoted(inputs), raw, self.parameters(given_input).model)


def _quoted(inputs: SynthesiserInputs) -> list[Passage]:
    """Only what the answers quote: fewer tokens, and nothing new to quote."""
    quoted = {
        citation.passage_id for answer in inputs.answers for claim in answer.claims for citation in claim.citations
    }
    return [passage for passage in inputs.passages if passage.passage_id in quoted]
