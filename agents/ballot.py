"""Ballot: counts, by code, what models decided of each matter on which answers part."""

from __future__ import annotations

from agents.base.agent import Agent, NoParameters
from agents.base.services import AgentServices
from contract.base import Frozen
from contract.comparisons import Differences, Divergence, MatterVote
from contract.debate import Resolution, VoteCount
from contract.messages import AgentInput, AgentOutput, output_value


class BallotInputs(Frozen):
    """Where answers part, and what each model decided of it."""

    differences: Differences
    resolutions: tuple[Resolution, ...] = ()


class Ballot(Agent[BallotInputs, NoParameters]):
    """One vote for each resolution. Equal numbers decide nothing: there is no casting vote."""

    Inputs = BallotInputs
    Parameters = NoParameters
    Output = VoteCount
    cached = False

    async def process(self, agent_input: AgentInput, services: AgentServices) -> AgentOutput:  # noqa: ARG002
        inputs = self.inputs(agent_input)
        counted = VoteCount(matters=tuple(_count(one, inputs.resolutions) for one in inputs.differences.divergences))
        decided = sum(matter.outcome is not None for matter in counted.matters)
        return AgentOutput(value=output_value(counted), note=f"{decided} of {len(counted.matters)} matters decided")


def _count(matter: Divergence, resolutions: tuple[Resolution, ...]) -> MatterVote:
    cast = [resolution.position for resolution in resolutions if resolution.divergence == matter]
    votes = [cast.count(number) for number, _ in enumerate(matter.positions, start=1)]
    most = max(votes)
    outcome = matter.positions[votes.index(most)].position if most and votes.count(most) == 1 else None
    return MatterVote(topic=matter.topic, votes=tuple(votes), undecided=cast.count(None), outcome=outcome)
