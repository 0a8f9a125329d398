"""AnsweredTurn: a question of a conversation that was answered."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from contract.conversation import Turn
from contract.findings import CitedAnswer, Source


@dataclass(frozen=True)
class AnsweredTurn:
    """A question that was answered, with where its run is."""

    answer: CitedAnswer
    folder: Path
    flow_run_id: UUID | None

    @property
    def sources(self) -> tuple[Source, ...]:
        """The documents that the answer quotes, in its order; for an abstention, the nearest ones."""
        citations = [citation for claim in self.answer.claims for citation in claim.citations]
        cited = {
            one.record_id: Source(record_id=one.record_id, title=one.title, date=one.date, uri=one.uri)
            for one in citations
        }
        return tuple(cited.values()) or self.answer.not_used

    def as_turn(self) -> Turn:
        """What a later question is read with."""
        titles = tuple(source.title for source in self.sources) if self.answer.claims else ()
        sentences = tuple(claim.text for claim in self.answer.claims)
        return Turn(question=self.answer.question, sentences=sentences, sources=titles)
