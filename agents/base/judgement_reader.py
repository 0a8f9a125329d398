"""JudgementReader: an agent that is shown the judgements of one record on one criterion, under labels."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from agents.base.services import AgentServices
from agents.base.structured_agent import LLMParametersT, ReplyT, StructuredAgent
from agents.base.verdicts import common_criterion, criterion_for_template
from agents.evidence.labels import LabelledJudgement, labelled_judgements
from contract.base import Frozen, JsonValue
from contract.judgements import Judgement
from contract.messages import AgentInput


class JudgementsToRead(Frozen):
    """Judgements of one record on one criterion."""

    answers: tuple[Judgement, ...] = Field(min_length=1)


class JudgementReader(StructuredAgent[JudgementsToRead, LLMParametersT, ReplyT]):
    """Shows its model the record, the criterion and the judgements."""

    Inputs = JudgementsToRead

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
