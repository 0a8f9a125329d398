"""Merges, compares, scores and doubts judgements, only by counts and by similarity."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from agents.llms.embedded.sentences import sentences
from agents.llms.embedded.similarity import Similarity
from contract.comparisons import DifferencesDraft, Divergence, Position
from contract.judgements import ConcernDraft, CriterionReason, JudgeReasons, QualResults, QualScore

_VOTE_WEIGHTS = {"low": 3, "medium": 2, "high": 1}
"""The weight of a vote, by its uncertainty."""
MIN_REASON_COSINE = 0.6
"""From this cosine on, two reasons count as the same reason in other words."""
_MAX_REASONS = 12
_MAX_HOLDERS = 20
_MAX_POSITIONS = 8

AnswerJson = Mapping[str, Any]


def synthesise(material: Mapping[str, Any]) -> JudgeReasons:
    """The verdict with the most weight, and the reasons of the judgements that give it.

    A tie is `unclear`, if the criterion has that verdict.
    """
    answers: Sequence[AnswerJson] = material["answers"]
    weights = defaultdict[str, int](int)
    for answer in answers:
        weights[str(answer["verdict"])] += _VOTE_WEIGHTS[answer["uncertainty"]]
    ranked = sorted(weights.items(), key=lambda item: -item[1])
    tied = len(ranked) > 1 and ranked[0][1] == ranked[1][1]
    undecided = tied and "unclear" in material["criterion"]["verdicts"]
    verdict = "unclear" if undecided else ranked[0][0]
    winners = answers if undecided else [answer for answer in answers if answer["verdict"] == verdict]
    share = ranked[0][1] / sum(weights.values())
    held = ", ".join(str(answer["label"]) for answer in answers if answer["verdict"] == ranked[0][0])
    summary = f"{held[:200]} of {len(answers)} judgements say '{ranked[0][0]}', {share:.0%} of the weight"
    return JudgeReasons(
        verdict=verdict,
        uncertainty="high" if tied else "low" if share == 1 else "medium",
        conclusion=f"{summary}{'; as much speaks for another verdict' if tied else ''}.",
        reasons=tuple(_reasons(winners)),
    )


def _reasons(answers: Sequence[AnswerJson]) -> list[CriterionReason]:
    """The reasons of the answers that apply; all reasons if none applies."""
    every = [(answer, reason) for answer in answers for reason in answer["reasons"]]
    chosen = [pair for pair in every if pair[1]["applies"] == "yes"] or every
    distinct = {(str(reason["rule"]), tuple(reason["quotes"])): (answer, reason) for answer, reason in chosen[::-1]}
    return [
        CriterionReason(
            rule=str(reason["rule"])[:300],
            applies=reason["applies"],
            reason=f"{answer['label']}: {reason['reason']}"[:600],
            quotes=tuple(_whole_words(str(quote)) for quote in reason["quotes"][:5]),
        )
        for answer, reason in list(distinct.values())[::-1][:_MAX_REASONS]
    ]


def _whole_words(quote: str) -> str:
    """The quotation, or its beginning up to the end of a word."""
    return quote if len(quote) <= 600 else quote[:600].rsplit(None, 1)[0]


def differences(material: Mapping[str, Any]) -> DifferencesDraft:
    """Describes which answers give which verdict."""
    answers: Sequence[AnswerJson] = material["answers"]
    sides: dict[str, list[AnswerJson]] = {}
    for answer in answers:
        sides.setdefault(str(answer["verdict"]), []).append(answer)
    if len(sides) < 2:
        return DifferencesDraft(conclusion=f"All {len(answers)} judgements say '{next(iter(sides))}'.")
    positions = tuple(
        Position(
            position=f"{verdict}: {held[0]['conclusion']}"[:600],
            held_by=tuple(str(answer["label"]) for answer in held[:_MAX_HOLDERS]),
        )
        for verdict, held in list(sides.items())[:_MAX_POSITIONS]
    )
    counted = ", ".join(f"{len(held)} say '{verdict}'" for verdict, held in sides.items())
    return DifferencesDraft(
        conclusion=f"Of {len(answers)} judgements {counted}."[:600],
        divergences=(Divergence(topic="the verdict", positions=positions),),
    )


def score_reasons(material: Mapping[str, Any], similarity: Similarity) -> QualResults:
    """Scores expected reasons: one is correct if a sentence of it is near a sentence of the answer in meaning.

    Experts write paragraphs. A paragraph as a whole is near no single sentence, whatever both say.
    """
    answer: AnswerJson = material["answer"]
    answer_texts = sentences(str(answer["conclusion"]))
    for reason in answer["reasons"]:
        if reason["applies"] != "no":
            answer_texts += [*sentences(str(reason["rule"])), *sentences(str(reason["reason"]))]
    parts = [sentences(str(reason)) or [str(reason)] for reason in material["expected"]]
    rows = iter(similarity.text_cosines([part for own in parts for part in own], answer_texts))
    return QualResults(assessments=tuple(_assess(own, [next(rows) for _ in own], answer_texts) for own in parts))


def _assess(parts: Sequence[str], rows: Sequence[Any], answer_texts: Sequence[str]) -> QualScore:
    best = max(range(len(parts)), key=lambda place: float(rows[place].max()))
    cosine, nearest = float(rows[best].max()), answer_texts[int(rows[best].argmax())]
    to = f" to '{_shortened(parts[best])}'" if len(parts) > 1 else ""
    return QualScore(
        assessment=f"The nearest of the answer's words{to}, at {cosine:.2f}: {_shortened(nearest)}",
        correct=cosine >= MIN_REASON_COSINE,
    )


def _shortened(text: str) -> str:
    return text if len(text) <= 250 else f"{text[:249]}…"


def raise_concern(material: Mapping[str, Any]) -> ConcernDraft:
    """Raises concerns: quotations that are not in the record, a verdict against its own reasons, different verdicts."""
    answers: Sequence[AnswerJson] = material["answers"]
    concerns = [text for answer in answers if (text := _concern_about(answer))]
    verdicts = sorted({str(answer["verdict"]) for answer in answers})
    if len(verdicts) > 1:
        concerns.append(f"The judgements part: {', '.join(verdicts)}.")
    concern = " ".join(concerns)
    return ConcernDraft(raised=bool(concern), concern=concern if len(concern) <= 600 else f"{concern[:599]}…")


def _concern_about(answer: AnswerJson) -> str | None:
    missing = [str(quote) for reason in answer["reasons"] for quote in reason["not_found"]]
    if missing:
        return f"{answer['label']} quotes words that do not stand in the text: '{missing[0][:120]}'."
    applying = [reason for reason in answer["reasons"] if reason["applies"] == "yes"]
    if answer["verdict"] == "violates" and not applying:
        return f"{answer['label']} says 'violates', but none of its reasons applies."
    return None
