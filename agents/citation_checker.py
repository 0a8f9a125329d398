"""CitationChecker: checks every quotation of every answer against its passage, and lists what is still missing."""

from __future__ import annotations

from agents.base.agent import Agent, NoParameters
from agents.base.services import AgentServices
from agents.evidence.citations import check_answer
from contract.base import Frozen
from contract.findings import CitationReport, Passages, ResearchAnswer
from contract.messages import AgentInput, AgentOutput, output_value


class CitationCheckerInputs(Frozen):
    """The answers and the passages that they may quote."""

    answers: tuple[ResearchAnswer, ...] = ()
    passages: Passages = ()


class CitationChecker(Agent[CitationCheckerInputs, NoParameters]):
    """Drops the claims that no verified quotation supports, and lists them."""

    Inputs = CitationCheckerInputs
    Parameters = NoParameters
    Output = CitationReport
    cached = False

    async def process(self, agent_input: AgentInput, services: AgentServices) -> AgentOutput:  # noqa: ARG002
        inputs = self.inputs(agent_input)
        answers = tuple(check_answer(answer, inputs.passages) for answer in inputs.answers)
        checked = sum(len(claim.citations) for answer in inputs.answers for claim in answer.claims)
        # Not the verified ones are counted: a quotation with an omission becomes several of them.
        unverified = sum(map(_unverified, answers)) - sum(map(_unverified, inputs.answers))
        report = CitationReport(
            answers=answers,
            checked=checked,
            found=checked - unverified,
            missing=_missing(answers),
            sufficient=any(answer.claims for answer in answers) and not _missing(answers),
        )
        return AgentOutput(value=output_value(report), note=f"{report.found} of {report.checked} quotations verified")


def _unverified(answer: ResearchAnswer) -> int:
    """Returns how many quotations of the answer were checked and stand in no passage of their document."""
    beside = sum(len(claim.unverified) for claim in (*answer.claims, *answer.dropped))
    return beside + sum(len(claim.citations) for claim in answer.dropped)


def _missing(answers: tuple[ResearchAnswer, ...]) -> tuple[str, ...]:
    """Returns the unanswered questions and the claims that lost their quotations; each once, in order."""
    missing = [text for answer in answers for text in (*answer.unanswered, *(claim.text for claim in answer.dropped))]
    return tuple(dict.fromkeys(missing))
