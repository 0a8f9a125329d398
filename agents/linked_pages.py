"""Linked pages: the web pages whose addresses stand in a question, as passages that a researcher can quote."""

from __future__ import annotations

import re

from pydantic import Field

from agents.base.agent import Agent
from agents.base.services import AgentServices
from agents.evidence.page_passages import page_passages
from contract.base import Frozen
from contract.errors import MissingInput
from contract.findings import Passage
from contract.messages import AgentInput, AgentOutput, output_value
from contract.web_page import WebPage

_ADDRESS = re.compile(r"https?://[^\s<>\"'“”‘’«»]+", re.IGNORECASE)
_AFTER_ADDRESS = ".,;:!?…"
_BRACKETS = {")": "(", "]": "[", "}": "{"}


def addresses_in(text: str) -> list[str]:
    """Every web address in the text, each once, without the punctuation of the sentence around it."""
    return list(dict.fromkeys(_without_end_of_sentence(found) for found in _ADDRESS.findall(text)))


def _without_end_of_sentence(address: str) -> str:
    while address:
        last = address[-1]
        closes_nothing = last in _BRACKETS and address.count(last) > address.count(_BRACKETS[last])
        if last not in _AFTER_ADDRESS and not closes_nothing:
            break
        address = address[:-1]
    return address


class LinkedPagesInputs(Frozen):
    """The question that names the pages."""

    question: str


class LinkedPagesParameters(Frozen):
    """How many pages are fetched at most."""

    most: int = Field(default=3, ge=1, le=20)
    """With more addresses than this in the question, none is fetched."""


class LinkedPagesFound(Frozen):
    """The pages, and their passages."""

    pages: tuple[WebPage, ...]
    passages: tuple[Passage, ...]


class LinkedPages(Agent[LinkedPagesInputs, LinkedPagesParameters]):
    """Fetches the pages whose addresses stand in a question, within bounds. They are kept, as by `fetch`.

    Raises FetchRefused where one of them cannot be fetched: an answer without a page that it was asked about would
    look as if the page said nothing.
    """

    Inputs = LinkedPagesInputs
    Parameters = LinkedPagesParameters
    Output = LinkedPagesFound
    fetches_pages = True

    async def process(self, agent_input: AgentInput, services: AgentServices) -> AgentOutput:
        addresses = addresses_in(self.inputs(agent_input).question)
        most = self.parameters(agent_input).most
        if len(addresses) > most:
            raise MissingInput(
                f"the question names {len(addresses)} addresses, and at most {most} are fetched; name fewer"
            )
        pages = [await services.page(address) for address in addresses]
        passages = {passage.passage_id: passage for page in pages for passage in page_passages(page)}
        found = LinkedPagesFound(pages=tuple(pages), passages=tuple(passages.values()))
        note = f"{len(passages)} passages of {len(pages)} pages" if pages else "the question names no address"
        return AgentOutput(value=output_value(found), note=note)
