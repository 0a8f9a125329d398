"""Fetch: a page of the web as passages that a researcher can quote."""

from __future__ import annotations

from pydantic import Field

from agents.base.agent import Agent, NoParameters
from agents.base.services import AgentServices
from agents.evidence.page_passages import page_passages
from contract.base import Frozen
from contract.findings import Passage
from contract.messages import AgentInput, AgentOutput, output_value
from contract.web_page import WebPage


class FetchInputs(Frozen):
    """Which page, and the passages of earlier rounds."""

    url: str = Field(min_length=1, max_length=2000)
    """The address of one page, beginning with https://."""
    previous: tuple[Passage, ...] = ()


class FetchedPages(Frozen):
    """A page, and the passages of all pages so far."""

    page: WebPage
    passages: tuple[Passage, ...]


class FetchAgent(Agent[FetchInputs, NoParameters]):
    """Fetches one page within bounds. The page is kept, so that the same run again, or its replay, needs no network.

    Raises FetchRefused, with the reason, for what must not or cannot be fetched.
    """

    Inputs = FetchInputs
    Parameters = NoParameters
    Output = FetchedPages
    fetches_pages = True

    async def process(self, agent_input: AgentInput, services: AgentServices) -> AgentOutput:
        inputs = self.inputs(agent_input)
        page = await services.page(inputs.url)
        known = {passage.passage_id for passage in inputs.previous}
        new = [passage for passage in page_passages(page) if passage.passage_id not in known]
        fetched = FetchedPages(page=page, passages=(*inputs.previous, *new))
        return AgentOutput(value=output_value(fetched), note=f"{len(new)} passages of {page.final_url[:200]}")
