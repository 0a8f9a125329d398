"""Owl: reads the judgements of a record on one criterion, and names what they overlook."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from agents.base.services import AgentServices
from agents.base.structured_agent import InvalidReply, LLMParameters, StructuredAgent
from agents.base.verdicts import common_criterion, criterion_for_template
from agents.evidence.labels import LabelledJudgement, labelled_judgements
from contract.base import Frozen, JsonValue
from contract.calls import ModelReply
from contract.judgements import Concern, ConcernDraft, Judgement
from contract.messages import AgentInput


class OwlInputs(Frozen):
    """Judgements of one record on one criterion."""

    answers: tuple[Judgement, ...] = Field(min_length=1)


class OwlParameters(LLMParameters):
    """As for every agent with a model."""

    template: str = "owl"


class Owl(StructuredAgent[OwlInputs, OwlParameters, ConcernDraft]):
    """Raises a concern when judgements invent words, contradict themselves or pass over a rule of the criterion."""

    Inputs = OwlInputs
    Parameters = OwlParameters
    Output = Concern
    Reply = ConcernDraft
    sends_images = False

    @classmethod
    def template_variables(cls) -> frozenset[str]:
        return frozenset({"record", "criterion", "answers"})

    @classmethod
    def template_types(cls) -> dict[str, Any]:
        return {"answers": tuple[LabelledJudgement, ...]}

    def material(self, agent_input: AgentInput, services: AgentServices) -> dict[str, JsonValue]:
        answers = self.inputs(agent_input).answers
        criterion = criterion_for_template(common_criterion(services, answers))
        known = super().material(agent_input, services)
        return {**known, "criterion": criterion, "answers": labelled_judgements(answers)}

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
