"""Beginnings: the first passages of the documents that an answer cites and whose metadata nobody has written down."""

from __future__ import annotations

from agents.base.agent import Agent, NoParameters
from agents.base.services import AgentServices
from agents.evidence.shown_claims import cited_documents
from contract.base import Frozen
from contract.findings import Passage, Passages, ResearchAnswer, SearchResults
from contract.messages import AgentInput, AgentOutput, output_value


class BeginningsInputs(Frozen):
    """What the answer is made of."""

    answers: tuple[ResearchAnswer, ...] = ()
    synthesis: ResearchAnswer | None = None
    passages: Passages = ()


class Beginnings(Agent[BeginningsInputs, NoParameters]):
    """Looks up the beginning of each cited document without metadata, where it names its authors and its title."""

    Inputs = BeginningsInputs
    Parameters = NoParameters
    Output = SearchResults
    cached = False
    searches_corpus = True

    async def process(self, agent_input: AgentInput, services: AgentServices) -> AgentOutput:
        index = services.corpus_index()
        inputs = self.inputs(agent_input)
        cited = cited_documents(inputs.answers, inputs.synthesis, inputs.passages)
        found = list[Passage]()
        for passage in cited.values():
            if "csl" not in passage.metadata and (first := await index.beginning(passage.passage_id)):
                found.append(first)
        results = SearchResults(queries=(), passages=tuple(found))
        return AgentOutput(value=output_value(results), note=f"{len(found)} of {len(cited)} documents lack metadata")
