"""Judge: judges one record by one criterion, with reasons whose quotations are checked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agents.base.services import AgentServices
from agents.base.structured_agent import LLMParameters, StructuredAgent
from agents.base.verdicts import (
    criterion_for_template,
    get_criterion,
    read_verdict,
    verdict_reply_type,
    verdict_schema,
)
from agents.evidence.record_quotes import RecordTexts, not_found_note
from contract.base import Frozen, JsonValue
from contract.calls import ModelReply
from contract.judgements import CodebookReply, Concern, Description, Judgement, JudgeReasons
from contract.messages import AgentInput


class JudgeInputs(Frozen):
    """What a judge is told beside the record: what its pictures show, and an owl's concerns in a revision."""

    description: Description | None = None
    """Words for pictures that have no alt text, for models that do not see."""
    concerns: tuple[Concern, ...] = ()
    """Only those on the judge's own criterion are shown."""


class JudgeParameters(LLMParameters):
    """The criterion to judge by, and the parameters of every agent with a model."""

    criteria: str
    """A criterion's name, or its text."""
    template: str = "judge"


class Judge(StructuredAgent[JudgeInputs, JudgeParameters, JudgeReasons | CodebookReply]):
    """Gives one of the criterion's verdicts, or the answers to its codebook, with reasons. Never sees the ground truth.

    A quotation that does not stand in the record is kept, marked and noted.
    """

    version = "2"
    Inputs = JudgeInputs
    Parameters = JudgeParameters
    Output = Judgement
    Reply = JudgeReasons
    sends_images = True

    @classmethod
    def template_variables(cls) -> frozenset[str]:
        return frozenset({"record", "criterion", "description", "concerns"})

    @classmethod
    def template_types(cls) -> dict[str, Any]:
        return {**cls.field_types(), "concerns": tuple[str, ...]}

    def material(self, agent_input: AgentInput, services: AgentServices) -> dict[str, JsonValue]:
        concerns: list[JsonValue] = [concern.concern for concern in self._own_concerns(agent_input)]
        criterion = get_criterion(services, self.parameters(agent_input).criteria)
        known = {k: v for k, v in super().material(agent_input, services).items() if k != "criteria"}
        return {**known, "criterion": criterion_for_template(criterion), "concerns": concerns}

    def alt_texts(self, agent_input: AgentInput) -> Sequence[str]:
        description = self.inputs(agent_input).description
        return description.alt_texts if description else ()

    def reply_type(self, agent_input: AgentInput, services: AgentServices) -> type[Frozen]:
        return verdict_reply_type(get_criterion(services, self.parameters(agent_input).criteria))

    def schema(self, agent_input: AgentInput, services: AgentServices) -> dict[str, JsonValue]:
        return verdict_schema(get_criterion(services, self.parameters(agent_input).criteria))

    def build_output(
        self,
        reply: JudgeReasons | CodebookReply,
        model_reply: ModelReply,
        agent_input: AgentInput,
        services: AgentServices,
    ) -> Judgement:
        parameters = self.parameters(agent_input)
        criterion = get_criterion(services, parameters.criteria)
        texts = RecordTexts.from_record(agent_input.record, self.alt_texts(agent_input))
        return Judgement(
            **read_verdict(reply, criterion, texts.check_quote),
            criteria=parameters.criteria,
            model=parameters.model,
            repeat=agent_input.repeat,
            quality=model_reply.quality,
        )

    def note(self, output: Frozen) -> str | None:
        return not_found_note(output.reasons) if isinstance(output, Judgement) else None

    def cache_key_parts(self, agent_input: AgentInput, services: AgentServices) -> JsonValue:
        # Concerns on other criteria change nothing here, so the cell of the round before is found again.
        own = [concern.model_dump(mode="json") for concern in self._own_concerns(agent_input)]
        others = {k: v for k, v in agent_input.inputs.items() if v is not None and k != "concerns"}
        inputs = {**others, "concerns": own} if own else others
        unchanged = inputs == dict(agent_input.inputs)
        narrowed = agent_input if unchanged else agent_input.model_copy(update={"inputs": inputs})
        criterion = get_criterion(services, self.parameters(agent_input).criteria)
        return [super().cache_key_parts(narrowed, services), criterion.digest]

    def _own_concerns(self, agent_input: AgentInput) -> list[Concern]:
        criteria = self.parameters(agent_input).criteria
        raised = (concern for concern in self.inputs(agent_input).concerns if concern.raised)
        return [concern for concern in raised if concern.criteria == criteria]
