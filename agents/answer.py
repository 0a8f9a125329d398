"""Answer: the final answer with verified quotations only, or an abstention."""

from __future__ import annotations

from pydantic import Field

from agents.base.agent import Agent, NoParameters
from agents.base.services import AgentServices
from agents.evidence.citations import check_answer
from agents.evidence.shown_claims import distinct_claims, shown_claims
from contract.base import Frozen
from contract.comparisons import Differences
from contract.conversation import QuestionInContext
from contract.debate import VoteCount
from contract.errors import MissingInput
from contract.findings import CitedAnswer, Claim, JudgedClaim, Passage, Passages, ResearchAnswer, Source
from contract.messages import AgentInput, AgentOutput, output_value
from contract.references import References
from contract.support import SupportReport

ABSTENTION = "The corpus does not say."
HELD_BACK = "Nothing was searched, since it is not clear what the question refers to."
UNVERIFIED = "No quotation could be verified, so nothing is shown as an answer."


class AnswerInputs(Frozen):
    """The checked answers, their synthesis where there is one, and all that was found."""

    question: str
    answers: tuple[ResearchAnswer, ...] = ()
    synthesis: ResearchAnswer | None = None
    differences: Differences | None = None
    votes: VoteCount | None = None
    """What models decided where the answers part, where the flow has them vote."""
    support: SupportReport | None = None
    """What a model judged of the claims, where the flow has such a step."""
    references: References | None = None
    """How the documents are cited, where the flow has such a step."""
    passages: Passages = ()
    follow_up: QuestionInContext | None = Field(default=None, exclude_if=lambda value: value is None)
    """How the question was read, where it follows others."""


class AnswerAgent(Agent[AnswerInputs, NoParameters]):
    """Assembles the final answer. Checks every quotation once more: nothing unverified is shown.

    It abstains when no answer makes a verified claim. It raises MissingInput when there is no answer at all, or no
    search ended, since that is no evidence about the corpus.
    """

    Inputs = AnswerInputs
    Parameters = NoParameters
    Output = CitedAnswer
    cached = False

    async def process(self, agent_input: AgentInput, services: AgentServices) -> AgentOutput:  # noqa: ARG002
        inputs = self.inputs(agent_input)
        if inputs.follow_up and not inputs.follow_up.question:
            return _held_back(inputs.follow_up)
        if not (inputs.answers or inputs.synthesis):
            raise MissingInput("no model gave an answer, so what the corpus says is not known")
        if "passages" in agent_input.inputs and agent_input.inputs["passages"] is None:
            raise MissingInput("the search gave no result, so what the corpus says is not known")
        answers = [check_answer(answer, inputs.passages) for answer in inputs.answers]
        synthesis = check_answer(inputs.synthesis, inputs.passages) if inputs.synthesis else None
        shown = [synthesis] if synthesis and synthesis.claims else answers
        claims = _judged(shown_claims(inputs.answers, inputs.synthesis, inputs.passages), inputs.support)
        all_answers = [*answers, *([synthesis] if synthesis else [])]
        dropped = distinct_claims([claim for answer in all_answers for claim in answer.dropped])
        result = CitedAnswer(
            question=inputs.question,
            asked=inputs.follow_up.asked if inputs.follow_up else None,
            unclear=inputs.follow_up.unclear if inputs.follow_up else "",
            claims=claims,
            abstained=not claims,
            summary=_summary(claims, unverified=bool(dropped)),
            support_not_judged=_why_not_judged(claims, inputs.support, "support" in agent_input.inputs),
            unanswered=tuple(dict.fromkeys(text for answer in shown for text in answer.unanswered)),
            dropped=dropped,
            differences=inputs.differences,
            votes=inputs.votes.matters if inputs.votes else (),
            not_used=_unused_sources(claims, inputs.passages),
            models=tuple(dict.fromkeys(answer.model for answer in all_answers if answer.model)),
            references=inputs.references.references if inputs.references else (),
            references_not_made=_why_no_references(inputs.references, "references" in agent_input.inputs),
            quality="demonstration" if any(a.quality == "demonstration" for a in all_answers) else "full",
        )
        return AgentOutput(value=output_value(result), note=result.summary)


def _held_back(follow_up: QuestionInContext) -> AgentOutput:
    """What is said of a question that nothing was searched for."""
    result = CitedAnswer(
        question=follow_up.asked,
        asked=follow_up.asked,
        unclear=follow_up.unclear,
        held_back=True,
        candidates=follow_up.candidates,
        abstained=True,
        summary=HELD_BACK,
    )
    return AgentOutput(value=output_value(result), note=result.summary)


def _judged(claims: tuple[Claim, ...], report: SupportReport | None) -> tuple[JudgedClaim, ...]:
    """The claims with the judgements that are on the same text and the same quotations."""
    judged = {(claim.text, claim.citations): claim.support for claim in (report.claims if report else ())}
    return tuple(JudgedClaim(**dict(claim), support=judged.get((claim.text, claim.citations))) for claim in claims)


def _why_not_judged(claims: tuple[JudgedClaim, ...], report: SupportReport | None, has_step: bool) -> str | None:
    if not has_step or not claims or all(claim.support for claim in claims):
        return None
    return report.not_judged if report and report.not_judged else "the step that judges it gave no result"


def _why_no_references(found: References | None, has_step: bool) -> str | None:
    if found is not None:
        return found.not_made
    return "the step that makes references gave no result" if has_step else None


def _summary(claims: tuple[JudgedClaim, ...], *, unverified: bool) -> str:
    if not claims:
        return UNVERIFIED if unverified else ABSTENTION
    documents = len({citation.record_id for claim in claims for citation in claim.citations})
    quotations = sum(len(claim.citations) for claim in claims)
    numbers = {"sentence": len(claims), "verified quotation": quotations, "document": documents}
    counted = ", ".join(_pluralised(number, noun) for noun, number in numbers.items())
    doubts = sum(claim.doubt is not None for claim in claims)
    return f"{counted}; {doubts} not supported by what is quoted." if doubts else f"{counted}."


def _pluralised(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _unused_sources(claims: tuple[JudgedClaim, ...], passages: tuple[Passage, ...]) -> tuple[Source, ...]:
    cited = {citation.record_id for claim in claims for citation in claim.citations}
    sources = {
        passage.record_id: Source(record_id=passage.record_id, title=passage.title, date=passage.date, uri=passage.uri)
        for passage in passages
        if passage.record_id not in cited
    }
    return tuple(sources.values())
