"""Researcher: answers a question from passages, each sentence with a quotation."""

from __future__ import annotations

from agents.base.services import Given
from agents.base.structured_agent import LLMParameters, StructuredAgent
from agents.evidence.labels import answer_of, labelled
from contract.base import Frozen, JsonValue
from contract.calls import ModelReply
from contract.findings import Passage, ResearchAnswer, ResearchDraft
from contract.messages import AgentInput, AgentOutput, output_value


class ResearcherInputs(Frozen):
    """The question, the passages found, and what earlier answers lacked."""

    question: str
    passages: tuple[Passage, ...] = ()
    missing: tuple[str, ...] = ()


class ResearcherParameters(LLMParameters):
    """As for every model."""

    template: str = "researcher"


class Researcher(StructuredAgent[ResearcherInputs, ResearcherParameters, ResearchDraft]):
    """Writes an answer whose every sentence quotes a passage, or says that the passages do not answer."""

    Inputs = ResearcherInputs
    Parameters = ResearcherParameters
    Output = ResearchAnswer
    Reply = ResearchDraft

    def material(self, given_input: AgentInput, given: Given) -> dict[str, JsonValue]:
        return {**super().material(given_input, given), "passages": labelled(self.inputs(given_input).passages)}

    def finish(
        self,
        reply: ResearchDraft,
        raw: ModelReply,
        given_input: AgentInput,
        given: Given,  # noqa: ARG002
    ) -> ResearchAnswer:
        inputs = self.inputs(given_input)
        answer = answer_of(reply, inputs.question, inputs.passages, raw, self.parameters(given_input).model)
        return answer.model_copy(update={"repeat": given_input.repeat})

    async def process(self, given_input: AgentInput, given: Given) -> AgentOutput:
        inputs = self.inputs(given_input)
        if not inputs.passages:
            nothing = ResearchAnswer(question=inputs.question, unanswered=(inputs.question,))
            return AgentOutput(value=output_value(nothing), note="nothing was found to answer from; no model was asked")
        return await super().process(given_input, given)
