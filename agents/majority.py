"""Majority: the verdict that most judges give, counted by code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from pydantic import Field

from agents.base.agent import Agent
from agents.base.services import AgentServices
from agents.base.verdicts import common_criterion
from agents.evidence.labels import judgement_labels
from contract.base import Frozen
from contract.comparisons import AnswerLabel
from contract.errors import MissingInput
from contract.judgements import CheckedReason, Judgement
from contract.messages import AgentInput, AgentOutput, output_value


class MajorityInputs(Frozen):
    """Judgements of one record on one criterion: a vote each."""

    answers: tuple[Judgement, ...] = Field(min_length=1)


class MajorityParameters(Frozen):
    """What a tie is."""

    tie: str | None = None
    """The verdict where two have as many votes, one of the criterion's; null leaves the cell without a verdict."""


class Majority(Agent[MajorityInputs, MajorityParameters]):
    """Counts votes and weighs nothing; a judge that is asked three times has three.

    Raises MissingInput for a tie without `tie`, and for a criterion with a codebook.
    """

    Inputs = MajorityInputs
    Parameters = MajorityParameters
    Output = Judgement
    cached = False
    counts_verdicts = True
    """The check of a flow refuses criteria with a codebook."""

    async def process(self, agent_input: AgentInput, services: AgentServices) -> AgentOutput:
        answers, tie = self.inputs(agent_input).answers, self.parameters(agent_input).tie
        criterion = common_criterion(services, answers)
        if criterion.codebook is not None:
            raise MissingInput(
                "votes are counted for criteria with verdicts, and this one has a codebook; use verdict_synthesiser"
            )
        if tie is not None and tie not in criterion.verdicts:
            raise MissingInput(f"`tie` is '{tie}', but the criterion's verdicts are {', '.join(criterion.verdicts)}")
        votes = Counter(answer.verdict for answer in answers).most_common()
        counted = ", ".join(f"{verdict} {number}" for verdict, number in votes)
        tied = len(votes) > 1 and votes[0][1] == votes[1][1]
        if tied and tie is None:
            raise MissingInput(f"there is no majority: {counted}; set the parameter `tie` to the verdict for it")
        verdict = tie if tied and tie else votes[0][0]
        labels = judgement_labels(answers)
        judgement = Judgement(
            verdict=verdict,
            uncertainty="high" if tied else "low" if len(votes) == 1 else "medium",
            conclusion=f"{'A tie' if tied else 'A majority'} of {len(answers)} votes: {counted}.",
            reasons=tuple(_reasons(answers, labels, verdict)),
            criteria=answers[0].criteria,
            repeat=agent_input.repeat,
            quality="demonstration" if any(one.quality == "demonstration" for one in answers) else "full",
            answers=labels,
        )
        return AgentOutput(value=output_value(judgement), note=judgement.conclusion)


def _reasons(answers: Sequence[Judgement], labels: Sequence[AnswerLabel], verdict: str) -> list[CheckedReason]:
    """The reasons of those who gave that verdict, each with its answer's label; of all if nobody gave it."""
    pairs = [pair for pair in zip(labels, answers, strict=True) if pair[1].verdict == verdict]
    return [
        reason.model_copy(update={"reason": f"{label.label}: {reason.reason}"})
        for label, answer in pairs or zip(labels, answers, strict=True)
        for reason in answer.reasons
    ]
