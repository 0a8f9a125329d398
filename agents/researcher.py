"""Researcher: answers a question from passages, each sentence with a quotation."""

from __future__ import annotations

from typing import Any

from agents.base.services import AgentServices
from agents.base.structured_agent import LLMParameters, StructuredAgent
from agents.evidence.labels import LabelledPassage, answer_from_draft, draft_schema, labelled_passages
from contract.base import Frozen, JsonValue
from contract.calls import ModelReply
from contract.findings import Passages, ResearchAnswer, ResearchDraft
from contract.messages import AgentInput, AgentOutput, output_value


class ResearcherInputs(Frozen):
    """The question, the passages found, and what earlier answers lacked."""

    question: str
    passages: Passages = ()
    missing: tuple[str, ...] = ()


class ResearcherParameters(LLMParameters):
    """As for every agent with a model."""

    template: str = "researcher"


class Researcher(StructuredAgent[ResearcherInputs, ResearcherParameters, ResearchDraft]):
    """Writes an answer in which every sentence quotes a passage, or reports that the passages do not answer."""

    version = "3"
    Inputs = ResearcherInputs
    Parameters = ResearcherParameters
    Output = ResearchAnswer
    Reply = ResearchDraft

    @classmethod
    def template_types(cls) -> dict[str, Any]:
        return {**cls.field_types(), "passages": tuple[LabelledPassage, ...]}

    def material(self, agent_input: AgentInput, services: AgentServices) -> dict[str, JsonValue]:
        return {
            **super().material(agent_input, services),
            "passages": labelled_passages(self.inputs(agent_input).passages),
        }

    def schema(self, agent_input: AgentInput, services: AgentServices) -> dict[str, JsonValue]:  # noqa: ARG002
        return draft_schema(self.inputs(agent_input).passages)

    def build_output(
        self,
        reply: ResearchDraft,
        model_reply: ModelReply,
        agent_input: AgentInput,
        services: AgentServices,  # noqa: ARG002
    ) -> ResearchAnswer:
        inputs = self.inputs(agent_input)
        answer = answer_from_draft(
            reply, inputs.question, inputs.passages, model_reply, self.parameters(agent_input).model
        )
        return answer.model_copy(update={"repeat": agent_input.repeat})

    async def process(self, agent_input: AgentInput, services: AgentServices) -> AgentOutput:
        inputs = self.inputs(agent_input)
        if not inputs.passages:
            nothing = ResearchAnswer(question=inputs.question, unanswered=(inputs.question,))
            return AgentOutput(value=output_value(nothing), note="nothing was found to answer from; no model was asked")
        return await super().process(agent_input, services)
