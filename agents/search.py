"""Search: finds passages in the corpus, and keeps those of earlier rounds."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, field_validator

from agents.base.agent import Agent
from agents.base.services import AgentServices
from contract.base import Frozen
from contract.findings import Passage, SearchResults
from contract.messages import AgentInput, AgentOutput, output_value
from contract.where import checked_where, with_bounds


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class SearchInputs(Frozen):
    """What to look for."""

    queries: Annotated[tuple[str, ...], BeforeValidator(_as_list)] = Field(min_length=1, max_length=5)
    """One to five questions or phrases in the words that the documents would use."""
    previous: tuple[Passage, ...] = ()


class SearchParameters(Frozen):
    """How many passages to find, and in which documents."""

    limit: int = Field(default=12, ge=1, le=100)
    """New passages a round."""
    where: dict[str, Any] = Field(default_factory=dict, exclude_if=lambda value: not value)
    """Which documents are searched: a field of their metadata -> the value that it must have, null for none, a list of
    values, or a range (`from`, `to`, `before`; also `">=2020"`)."""

    @field_validator("where")
    @classmethod
    def _values_are_comparable(cls, where: dict[str, Any]) -> dict[str, Any]:
        return checked_where(with_bounds(where), "field")


class SearchAgent(Agent[SearchInputs, SearchParameters]):
    """Finds passages in the flow's corpus, best first."""

    Inputs = SearchInputs
    Parameters = SearchParameters
    Output = SearchResults
    cached = False
    searches_corpus = True

    async def process(self, agent_input: AgentInput, services: AgentServices) -> AgentOutput:
        index = services.corpus_index()
        inputs = self.inputs(agent_input)
        parameters = self.parameters(agent_input)
        found = await index.search(inputs.queries, parameters.limit, parameters.where)
        known = {one for passage in inputs.previous for one in (passage.passage_id, passage.content_hash)}
        new_passages = [one for one in found if one.passage_id not in known and one.content_hash not in known]
        results = SearchResults(queries=inputs.queries, passages=(*inputs.previous, *new_passages))
        return AgentOutput(value=output_value(results), note=f"{len(new_passages)} new passages")
