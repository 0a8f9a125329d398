"""FollowUp: turns a question of a conversation into one that can be understood, and searched for, by itself."""

from __future__ import annotations

from agents.base.services import AgentServices
from agents.base.structured_agent import LLMParameters, StructuredAgent
from contract.base import Frozen
from contract.calls import ModelReply
from contract.conversation import QuestionInContext, QuestionInContextDraft, Turns, last_sources
from contract.messages import AgentInput


class FollowUpInputs(Frozen):
    """The question, and what was asked and answered before it."""

    question: str
    earlier: Turns


class FollowUpParameters(LLMParameters):
    """As for every agent with a model."""

    template: str = "follow_up"


class FollowUp(StructuredAgent[FollowUpInputs, FollowUpParameters, QuestionInContextDraft]):
    """Rewrites a follow-up question so that it stands alone, or says what in it is not clear."""

    Inputs = FollowUpInputs
    Parameters = FollowUpParameters
    Output = QuestionInContext
    Reply = QuestionInContextDraft

    def build_output(
        self,
        reply: QuestionInContextDraft,
        model_reply: ModelReply,  # noqa: ARG002
        agent_input: AgentInput,
        services: AgentServices,  # noqa: ARG002
    ) -> QuestionInContext:
        inputs = self.inputs(agent_input)
        asked = inputs.question
        if not reply.understood:
            unclear = reply.unclear.strip() or "It is not clear what the question refers to."
            if reply.question.strip() == asked.strip():
                # Its own words say enough to search with.
                return QuestionInContext(question=asked, asked=asked, unclear=unclear)
            candidates = last_sources(inputs.earlier)
            return QuestionInContext(question="", asked=asked, unclear=unclear, candidates=candidates)
        return QuestionInContext(question=reply.question.strip() or asked, asked=asked)
