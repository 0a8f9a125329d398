"""Judge: one record against one criterion, with reasons whose quotations are checked."""

from __future__ import annotations

from collections.abc import Sequence

from agents.base.services import Given
from agents.base.structured_agent import LLMParameters, StructuredAgent
from agents.base.verdicts import criterion_of, must_be_a_verdict, shown, verdict_schema
from agents.evidence.record_quotes import RecordTexts, not_found_note
from contract.base import Frozen, JsonValue
from contract.calls import ModelReply
from contract.findings import Concern, Description, Judgement, JudgeReasons
from contract.messages import AgentInput


class JudgeInputs(Frozen):
    """What a judge is told beside the record: what its pictures show, and an owl's concerns in a revision."""

    description: Description | None = None
    """Words for pictures that have no alt text, for models that do not see."""
    concerns: tuple[Concern, ...] = ()
    """Only those on the judge's own criterion are shown."""


class JudgeParameters(LLMParameters):
    """By what to judge."""

    criteria: str
    """A criterion's name, or its text."""
    template: str = "judge"


class Judge(StructuredAgent[JudgeInputs, JudgeParameters, JudgeReasons]):
    """Gives one of the criterion's verdicts with reasons. Never sees the ground truth.

    A quotation that does not stand in the record is kept, marked and noted.
    """

    Inputs = JudgeInputs
    Parameters = JudgeParameters
    Output = Judgement
    Reply = JudgeReasons
    shows_pictures = True

    @classmethod
    def template_variables(cls) -> frozenset[str]:
        return frozenset({"record", "criterion", "description", "concerns"})

    def material(self, given_input: AgentInput, given: Given) -> dict[str, JsonValue]:
        own: list[JsonValue] = [concern.concern for concern in self._concerns(given_input)]
        criterion = criterion_of(given, self.parameters(given_input).criteria)
        known = {k: v for k, v in super().material(given_input, given).items() if k != "criteria"}
        return {**known, "criterion": shown(criterion), "concerns": own}

    def alt_texts(self, given_input: AgentInput) -> Sequence[str]:
        description = self.inputs(given_input).description
        return description.alt_texts if description else ()

    def schema(self, given_input: AgentInput, given: Given) -> dict[str, JsonValue]:
        return verdict_schema(criterion_of(given, self.parameters(given_input).criteria))

    def finish(self, reply: JudgeReasons, raw: ModelReply, given_input: AgentInput, given: Given) -> Judgement:
        parameters = self.parameters(given_input)
        must_be_a_verdict(reply, criterion_of(given, parameters.criteria))
        texts = RecordTexts.of(given_input.record, self.alt_texts(given_input))
        return Judgement(
            verdict=reply.verdict,
            uncertainty=reply.uncertainty,
            conclusion=reply.conclusion,
            reasons=texts.checked(reply.reasons),
            criteria=parameters.criteria,
            model=parameters.model,
            repeat=given_input.repeat,
            quality=raw.quality,
        )

    def note(self, output: Frozen) -> str | None:
        return not_found_note(output.reasons) if isinstance(output, Judgement) else None

    def depends_on(self, given_input: AgentInput, given: Given) -> JsonValue:
        # What other criteria's owls said changes nothing here, so the cell of the round before is found again.
        own = [concern.model_dump(mode="json") for concern in self._concerns(given_input)]
        others = {k: v for k, v in given_input.inputs.items() if v is not None and k != "concerns"}
        inputs = {**others, "concerns": own} if own else others
        same = inputs == dict(given_input.inputs)
        narrowed = given_input if same else given_input.model_copy(update={"inputs": inputs})
        criterion = criterion_of(given, self.parameters(given_input).criteria)
        return [super().depends_on(narrowed, given), criterion.digest]

    def _concerns(self, given_input: AgentInput) -> list[Concern]:
        criteria = self.parameters(given_input).criteria
        raised = (concern for concern in self.inputs(given_input).concerns if concern.raised)
        return [concern for concern in raised if concern.criteria == criteria]
