"""Labels: short names for the passages, answers and judgements that models read, and their labels as citations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NotRequired, TypedDict, cast

from agents.evidence.read_labels import label_in
from agents.evidence.spoken_labels import SpokenLabels
from contract.base import JsonValue
from contract.calls import ModelReply, json_schema_of
from contract.comparisons import AnswerLabel
from contract.findings import Citation, Claim, Passage, QuoteDraft, ResearchAnswer, ResearchDraft
from contract.judgements import Code, Judgement

_LONGEST_SENTENCE = 600
"""Characters of a claim's text, as the contract bounds it."""


class LabelledPassage(Passage):
    """A passage as templates see it."""

    label: str


class LabelledQuote(TypedDict):
    """A quotation as templates see it; `passage` is its passage's label, or else the document's title."""

    passage: str | None
    quote: str


class LabelledClaim(TypedDict):
    """A claim as templates see it."""

    text: str
    quotes: list[LabelledQuote]


class LabelledAnswer(TypedDict):
    """An answer as templates see it."""

    label: str
    claims: list[LabelledClaim]


class LabelledReason(TypedDict):
    """A reason as templates see it: its quotations that were found in the record, and those that were not."""

    rule: str
    applies: str
    reason: str
    quotes: list[str]
    not_found: list[str]


class LabelledJudgement(TypedDict):
    """A judgement as templates see it."""

    label: str
    verdict: str
    uncertainty: str
    conclusion: str
    reasons: list[LabelledReason]
    codes: NotRequired[dict[str, JsonValue]]
    """The answers to a codebook, for models that weigh them one by one."""


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
    labelled: list[LabelledAnswer] = [
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
    return cast("list[JsonValue]", labelled)


def answer_from_draft(
    draft: ResearchDraft,
    question: str,
    passages: Sequence[Passage],
    reply: ModelReply,
    model: str,
    answers: Sequence[ResearchAnswer] = (),
) -> ResearchAnswer:
    """Returns the draft as an answer with unchecked citations, without claims if the draft is not `answerable`.

    Labels in its sentences become the titles of documents, and the models of `answers`.
    """
    by_label, labels = passages_by_label(passages), SpokenLabels(question, passages, answers)
    claims = tuple(
        Claim(
            text=labels.named(claim.text, _LONGEST_SENTENCE),
            citations=tuple(_citation(quote, by_label) for quote in claim.quotes),
        )
        for claim in (draft.claims if draft.answerable else ())
    )
    unanswered = tuple(labels.named(text, _LONGEST_SENTENCE) for text in draft.unanswered)
    unanswered = unanswered or (() if claims else (question,))
    return ResearchAnswer(question=question, claims=claims, unanswered=unanswered, model=model, quality=reply.quality)


def draft_schema(passages: Sequence[Passage]) -> dict[str, JsonValue]:
    """Returns the schema of a draft in which only labels of these passages can be cited."""
    schema: Any = json_schema_of(ResearchDraft)
    if passages:
        schema["$defs"]["QuoteDraft"]["properties"]["passage"] = {
            "type": "string",
            "enum": [*passages_by_label(passages)],
        }
    return schema


def _citation(quote: QuoteDraft, by_label: dict[str, Passage]) -> Citation:
    label = label_in(quote.passage, "P")
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
    labelled: LabelledJudgement = {
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
    if answer.codes:
        labelled["codes"] = {name: _code_json(code) for name, code in answer.codes.items()}
    return cast("JsonValue", labelled)


def _code_json(code: Code) -> JsonValue:
    return code.model_dump(mode="json", include={"value", "uncertainty"})
