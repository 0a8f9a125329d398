"""The services that an agent is given, as Protocols: `flows/` implements them, and tests use fakes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from agents.llms.misfits import Misfits
from agents.llms.model import Models
from agents.prompting.criteria import Criterion
from agents.prompting.templates import Prompts
from contract.errors import MissingInput
from contract.findings import Passage, Source
from contract.tool_calls import ToolCall
from contract.tools import UnifiedRequest
from contract.web_page import WebPage


class SearchIndex(Protocol):
    """A corpus that can be searched."""

    @property
    def label(self) -> str:
        """What the corpus is called in answers."""
        ...

    @property
    def fingerprint(self) -> str:
        """Digest of all that search results depend on: content, chunking, embedding model."""
        ...

    async def search(self, queries: Sequence[str], limit: int, where: Mapping[str, Any] | None = None) -> list[Passage]:
        """Returns at most `limit` passages for all queries together, best first.

        `where` says which documents are searched, see `contract.where`. Raises StorageError where it fits none.
        """
        ...

    async def beginning(self, passage_id: str) -> Passage | None:
        """Returns the first passage of the document that this passage is of; None where the corpus has none."""
        ...

    async def sources(self) -> list[Source]:
        """Returns every document of the corpus."""
        ...


class CriteriaLookup(Protocol):
    """The criteria of a study."""

    def get(self, name_or_text: str) -> Criterion:
        """Returns the criterion of that name, or the text itself as one. Raises PromptError."""
        ...


class ToolCaller(Protocol):
    """The tools of one step."""

    async def call(self, request: UnifiedRequest, seconds: float | None = None) -> ToolCall:
        """Returns the call with its result, or with the reason why there is none: a tool that fails raises nothing.

        A tool is waited for as long as its own limit allows, and no longer than `seconds`, what is left for calls.

        `request.inputs` fit the tool's input schema. Raises StoppedByPerson, and StorageError where a result cannot be
        kept.
        """
        ...


class PageFetcher(Protocol):
    """The web, within bounds."""

    async def page(self, url: str) -> WebPage:
        """Returns the page at that address. Raises FetchRefused."""
        ...


@dataclass(frozen=True)
class AgentServices:
    """The services of one run. Agents hold no state of their own, so all share one instance."""

    models: Models
    prompts: Prompts
    index: SearchIndex | None = None
    criteria: CriteriaLookup | None = None
    tools: ToolCaller | None = None
    """None for steps without tools."""
    web: PageFetcher | None = None
    misfits: Misfits = field(default_factory=Misfits, compare=False)
    """Learns from every reply whether it fitted."""

    async def page(self, url: str) -> WebPage:
        """Returns the page at that address. Raises FetchRefused, and MissingInput for a run without the web."""
        if self.web is None:
            raise MissingInput("this run has no access to the web")
        return await self.web.page(url)

    def corpus_index(self) -> SearchIndex:
        """The flow's corpus. Raises MissingInput where the flow names none."""
        if self.index is None:
            raise MissingInput("the flow names no corpus to search; add `corpus:` with the name of a storage")
        return self.index
