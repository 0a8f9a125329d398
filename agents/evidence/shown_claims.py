"""The claims that a reader is shown: those of the synthesis, or where it makes none, those of the answers."""

from __future__ import annotations

from collections.abc import Sequence

from agents.evidence.citations import check_answer
from contract.findings import Claim, Passage, ResearchAnswer


def shown_claims(
    answers: Sequence[ResearchAnswer], synthesis: ResearchAnswer | None, passages: Sequence[Passage]
) -> tuple[Claim, ...]:
    """Returns the claims, each once, with verified quotations only."""
    merged = check_answer(synthesis, passages) if synthesis else None
    shown = [merged] if merged and merged.claims else [check_answer(answer, passages) for answer in answers]
    return distinct_claims([claim for answer in shown for claim in answer.claims])


def distinct_claims(claims: Sequence[Claim]) -> tuple[Claim, ...]:
    """Returns claims of the same text once, with the quotations of the last."""
    return tuple({claim.text: claim for claim in claims}.values())


def cited_documents(
    answers: Sequence[ResearchAnswer], synthesis: ResearchAnswer | None, passages: Sequence[Passage]
) -> dict[str, Passage]:
    """Returns the documents that the reader will see cited, by their ids, each with a passage of it."""
    by_document = {passage.record_id: passage for passage in reversed(passages)}
    shown = shown_claims(answers, synthesis, passages)
    cited = dict.fromkeys(citation.record_id for claim in shown for citation in claim.citations)
    return {name: by_document[name] for name in cited if name in by_document}
