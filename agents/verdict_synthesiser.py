"""VerdictSynthesiser: merges judgements on one record and one criterion into one, argued from their reasons."""

from __future__ import annotations

from collections.abc import Sequence

from agents.base.judgement_reader import JudgementReader
from agents.base.services import AgentServices
from agents.base.structured_agent import LLMParameters
from agents.base.verdicts import (
    common_criterion,
    read_verdict,
    verdict_reply_type,
    verdict_schema,
)
from agents.evidence.labels import judgement_labels
from agents.evidence.locators import locator_of
from agents.evidence.quotable_text import QuotableText
from agents.evidence.record_quotes import not_found_note
from contract.base import Frozen, JsonValue
from contract.calls import ModelReply
from contract.judgements import CodebookReply, Judgement, JudgeReasons, RecordQuote
from contract.messages import AgentInput
from contract.record import Record


class VerdictSynthesiserParameters(LLMParameters):
    """As for every agent with a model."""

    template: str = "verdict_synthesiser"


class VerdictSynthesiser(JudgementReader[VerdictSynthesiserParameters, JudgeReasons | CodebookReply]):
    """Weighs the reasons of several judgements; a majority alone decides nothing.

    The model is shown the quotations that were found in the record, and may quote only those.
    """

    version = "2"
    Parameters = VerdictSynthesiserParameters
    Output = Judgement
    Reply = JudgeReasons

    def reply_type(self, agent_input: AgentInput, services: AgentServices) -> type[Frozen]:
        return verdict_reply_type(common_criterion(services, self.inputs(agent_input).answers))

    def schema(self, agent_input: AgentInput, services: AgentServices) -> dict[str, JsonValue]:
        return verdict_schema(common_criterion(services, self.inputs(agent_input).answers))

    def build_output(
        self,
        reply: JudgeReasons | CodebookReply,
        model_reply: ModelReply,
        agent_input: AgentInput,
        services: AgentServices,
    ) -> Judgement:
        answers = self.inputs(agent_input).answers
        verified = _verified_quotes(answers)
        criterion = common_criterion(services, answers)
        return Judgement(
            **read_verdict(reply, criterion, lambda quote: (_locate_quote(quote, verified, agent_input.record),)),
            criteria=answers[0].criteria,
            model=self.parameters(agent_input).model,
            repeat=agent_input.repeat,
            quality=model_reply.quality,
            answers=judgement_labels(answers),
        )

    def note(self, output: Frozen) -> str | None:
        where = "are not among those that the answers found in the record"
        return not_found_note(output.reasons, where) if isinstance(output, Judgement) else None


def _verified_quotes(answers: Sequence[Judgement]) -> list[RecordQuote]:
    quotes = [quote for answer in answers for reason in answer.reasons for quote in reason.quotes]
    found = {(quote.field, quote.start, quote.end): quote for quote in quotes if quote.status == "found"}
    return list(found.values())


def _locate_quote(quote: str, verified: Sequence[RecordQuote], record: Record) -> RecordQuote:
    """Returns the quotation with its place in the record, if one of the verified ones contains it."""
    for whole in verified:
        if (found := QuotableText(whole.quote).find(quote)) and whole.start is not None:
            start, end = whole.start + found[0], whole.start + found[1]
            locator = locator_of(record.locators, start, end) if whole.locator else None
            place = {"quote": whole.quote[slice(*found)], "start": start, "end": end, "locator": locator}
            return whole.model_copy(update=place)
    return RecordQuote(quote=quote, status="not_found")
