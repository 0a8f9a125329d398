"""Answer: the final answer with verified quotations only, or an abstention."""

from __future__ import annotations

from agents.base.agent import Agent, NoParameters
from agents.base.services import AgentServices
from agents.evidence.citations import check_answer
from contract.base import Frozen
from contract.errors import MissingInput
from contract.findings import CitedAnswer, Claim, Differences, Passage, ResearchAnswer, Source
from contract.messages import AgentInput, AgentOutput, output_value

ABSTENTION = "The corpus does not say."
UNVERIFIED = "No quotation could be verified, so nothing is shown as an answer."


class AnswerInputs(Frozen):
    """The checked answers, their synthesis where there is one, and all that was found."""

    question: str
    answers: tuple[ResearchAnswer, ...] = ()
    synthesis: ResearchAnswer | None = None
    differences: Differences | None = None
    passages: tuple[Passage, ...] = ()


class AnswerAgent(Agent[AnswerInputs, NoParameters]):
    """Assembles the final answer. Checks every quotation once more: nothing unverified is shown.

    It abstains when no answer makes a verified claim. It raises MissingInput when there is no answer at all, since
    that is no evidence about the corpus.
    """

    Inputs = AnswerInputs
    Parameters = NoParameters
    Output = CitedAnswer
    cached = False

    async def process(self, agent_input: AgentInput, services: AgentServices) -> AgentOutput:  # noqa: ARG002
        inputs = self.inputs(agent_input)
        if not (inputs.answers or inputs.synthesis):
            raise MissingInput("no model gave an answer, so what the corpus says is not known")
        answers = [check_answer(answer, inputs.passages) for answer in inputs.answers]
        synthesis = check_answer(inputs.synthesis, inputs.passages) if inputs.synthesis else None
        shown = [synthesis] if synthesis and synthesis.claims else answers
        claims = _distinct([claim for answer in shown for claim in answer.claims])
        all_answers = [*answers, *([synthesis] if synthesis else [])]
        dropped = _distinct([claim for answer in all_answers for claim in answer.dropped])
        result = CitedAnswer(
            question=inputs.question,
            claims=claims,
            abstained=not claims,
            summary=_summary(claims, unverified=bool(dropped)),
            unanswered=tuple(dict.fromkeys(text for answer in shown for text in answer.unanswered)),
            dropped=dropped,
            differences=inputs.differences,
            not_used=_unused_sources(claims, inputs.passages),
            models=tuple(dict.fromkeys(answer.model for answer in all_answers if answer.model)),
            quality="demonstration" if any(a.quality == "demonstration" for a in all_answers) else "full",
        )
        return AgentOutput(value=output_value(result), note=result.summary)


def _distinct(claims: list[Claim]) -> tuple[Claim, ...]:
    return tuple({claim.text: claim for claim in claims}.values())


def _summary(claims: tuple[Claim, ...], *, unverified: bool) -> str:
    if not claims:
        return UNVERIFIED if unverified else ABSTENTION
    documents = len({citation.record_id for claim in claims for citation in claim.citations})
    quotations = sum(len(claim.citations) for claim in claims)
    numbers = {"sentence": len(claims), "verified quotation": quotations, "document": documents}
    return f"{', '.join(_pluralised(number, noun) for noun, number in numbers.items())}."


def _pluralised(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _unused_sources(claims: tuple[Claim, ...], passages: tuple[Passage, ...]) -> tuple[Source, ...]:
    cited = {citation.record_id for claim in claims for citation in claim.citations}
    sources = {
        passage.record_id: Source(record_id=passage.record_id, title=passage.title, date=passage.date, uri=passage.uri)
        for passage in passages
        if passage.record_id not in cited
    }
    return tuple(sources.values())
