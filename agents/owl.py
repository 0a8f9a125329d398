"""Owl: reads the judgements of a record on one criterion, and names what they overlook."""

from __future__ import annotations

from agents.base.judgement_reader import JudgementReader
from agents.base.services import AgentServices
from agents.base.structured_agent import InvalidReply, LLMParameters
from contract.base import Frozen
from contract.calls import ModelReply
from contract.judgements import Concern, ConcernDraft
from contract.messages import AgentInput


class OwlParameters(LLMParameters):
    """As for every agent with a model."""

    template: str = "owl"


class Owl(JudgementReader[OwlParameters, ConcernDraft]):
    """Raises a concern when judgements invent words, contradict themselves or pass over a rule of the criterion."""

    Parameters = OwlParameters
    Output = Concern
    Reply = ConcernDraft
    sends_images = False

    def build_output(
        self,
        reply: ConcernDraft,
        model_reply: ModelReply,  # noqa: ARG002
        agent_input: AgentInput,
        services: AgentServices,  # noqa: ARG002
    ) -> Concern:
        if reply.raised and not reply.concern.strip():
            raise InvalidReply("raised is true, but concern is empty; say what the judges should look at again")
        concern = reply.concern if reply.raised else ""
        return Concern(raised=reply.raised, concern=concern, criteria=self.inputs(agent_input).answers[0].criteria)

    def note(self, output: Frozen) -> str | None:
        return "a concern was raised" if isinstance(output, Concern) and output.raised else None
