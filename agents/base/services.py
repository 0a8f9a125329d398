"""What an agent is given from outside, as Protocols: `flows/` implements them, tests fake them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from agents.llms.model import Models
from agents.prompting.criteria import Criterion
from agents.prompting.templates import Prompts
from contract.findings import Passage, Source


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

    async def search(self, queries: Sequence[str], limit: int) -> list[Passage]:
        """At most `limit` passages for the queries together, best first."""
        ...

    async def sources(self) -> list[Source]:
        """Every document of the corpus."""
        ...


class CriteriaLookup(Protocol):
    """The criteria of a study."""

    def get(self, name_or_text: str) -> Criterion:
        """The criterion of that name, or the text itself as one. Raises PromptError."""
        ...


@dataclass(frozen=True)
class AgentServices:
    """The services of one run. Agents hold no state of their own, so one `Given` serves them all."""

    models: Models
    prompts: Prompts
    index: SearchIndex | None = None
    criteria: CriteriaLookup | None = None
