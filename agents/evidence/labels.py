"""Labels: short names for the passages, answers and judgements that models read, and their labels as citations."""

from __future__ import annotations

from collections.abc import Sequence

from contract.base import JsonValue
from contract.calls import ModelReply
from contract.findings import (
    AnswerLabel,
    Citation,
    Claim,
    Judgement,
    Passage,
    QuoteDraft,
    ResearchAnswer,
    ResearchDraft,
)


def passages_by_label(passages: Sequence[Passage]) -> dict[str, Passage]:
    """Returns the passages by the labels P1, P2, … in order: short names that a model copies without mistakes."""
    return {f"P{number}": passage for number, passage in enumerate(passages, start=1)}


def labelled_passages(passages: Sequence[Passage]) -> list[JsonValue]:
    """Returns the passages as JSON, each with its label."""
    return [
        {**passage.model_dump(mode="json"), "label": label} for label, passage in passages_by_label(passages).items()
    ]


def labelled_answers(answers: Sequence[ResearchAnswer], passages: Sequence[Passage]) -> list[JsonValue]:
    """Returns answers as JSON with the labels A1, A2, …; their quotations name passages by label."""
    by_id = {passage.passage_id: label for label, passage in passages_by_label(passages).items()}
    return [
        {
            "label": f"A{number}",
            "claims": [
                {
                    "text": claim.text,
                    "quotes": [
                        {"passage": by_id.get(citation.passage_id, citation.title), "quote": citation.quote}
                        for citation in claim.citations
                    ],
                }
                for claim in answer.claims
            ],
        }
        for number, answer in enumerate(answers, start=1)
    ]


def answer_from_draft(
    draft: ResearchDraft, question: str, passages: Sequence[Passage], reply: ModelReply, model: str
) -> ResearchAnswer:
    """Returns the draft as an answer with unchecked citations, without claims if the draft is not `answerable`."""
    by_label = passages_by_label(passages)
    claims = tuple(
        Claim(text=claim.text, citations=tuple(_citation(quote, by_label) for quote in claim.quotes))
        for claim in (draft.claims if draft.answerable else ())
    )
    unanswered = draft.unanswered or (() if claims else (question,))
    return ResearchAnswer(question=question, claims=claims, unanswered=unanswered, model=model, quality=reply.quality)


def _citation(quote: QuoteDraft, by_label: dict[str, Passage]) -> Citation:
    label = quote.passage.strip().strip("[]()")
    passage = by_label.get(label)
    if passage is None:
        return Citation(quote=quote.quote, passage_id=label, record_id="", title="", section="")
    return Citation(
        quote=quote.quote,
        passage_id=passage.passage_id,
        record_id=passage.record_id,
        title=passage.title,
        section=passage.section,
        date=passage.date,
        uri=passage.uri,
    )


def judgement_labels(answers: Sequence[Judgement]) -> tuple[AnswerLabel, ...]:
    """Returns A1, A2, … for the answers in order, each with what identifies its answer."""
    return tuple(
        AnswerLabel(
            label=f"A{number}",
            model=answer.model,
            criteria=answer.criteria,
            repeat=answer.repeat,
            synthesis=bool(answer.answers),
        )
        for number, answer in enumerate(answers, start=1)
    )


def labelled_judgements(answers: Sequence[Judgement]) -> list[JsonValue]:
    """Returns judgements as templates see them: labelled, without model names, found quotations apart from others."""
    return [_labelled_judgement(f"A{number}", answer) for number, answer in enumerate(answers, start=1)]


def _labelled_judgement(label: str, answer: Judgement) -> JsonValue:
    # Without the model's name: a model that compares answers should not know whose they are.
    return {
        "label": label,
        "verdict": answer.verdict,
        "uncertainty": answer.uncertainty,
        "conclusion": answer.conclusion,
        "reasons": [
            {
                "rule": reason.rule,
                "applies": reason.applies,
                "reason": reason.reason,
                "quotes": [quote.quote for quote in reason.quotes if quote.status == "found"],
                "not_found": [quote.quote for quote in reason.quotes if quote.status != "found"],
            }
            for reason in answer.reasons
        ],
    }
