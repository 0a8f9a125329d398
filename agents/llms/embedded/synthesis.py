"""Merges several answers into one, and describes where several answers differ."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from contract.comparisons import DifferencesDraft, Divergence, Position
from contract.debate import UNDECIDED, ResolutionDraft
from contract.findings import ClaimDraft, QuoteDraft, ResearchDraft

MAX_CLAIMS = 8
_MAX_POSITIONS = 8


def synthesise(material: Mapping[str, Any]) -> ResearchDraft:
    """The claims of all answers, the most frequent first. Claims with the same quotations count as one claim."""
    merged: dict[frozenset[str], tuple[int, ClaimDraft]] = {}
    for answer in material.get("answers", ()):
        for claim in answer["claims"]:
            key = _key(claim)
            if key:
                count, draft = merged.get(key, (0, _draft(claim)))
                merged[key] = (count + 1, draft)
    ranked = [draft for _, draft in sorted(merged.values(), key=lambda pair: -pair[0])][:MAX_CLAIMS]
    if not ranked:
        return ResearchDraft(answerable=False, unanswered=(str(material["question"])[:300] or "an empty question",))
    return ResearchDraft(answerable=True, claims=tuple(ranked))


def differences(material: Mapping[str, Any]) -> DifferencesDraft:
    """Describes which answers rest on which quotations. Answers that rest on the same quotations agree."""
    answers: Sequence[Mapping[str, Any]] = material.get("answers", ())
    holders: dict[frozenset[frozenset[str]], list[Mapping[str, Any]]] = {}
    for answer in answers:
        grounds = frozenset(_key(claim) for claim in answer["claims"])
        holders.setdefault(grounds, []).append(answer)
    if len(holders) < 2:
        agreement = "do not answer" if not answers or not answers[0]["claims"] else "rest on the same quotations"
        return DifferencesDraft(conclusion=f"The {len(answers)} answers {agreement}; they do not part.")
    common = frozenset[frozenset[str]].intersection(*holders)
    positions = [
        Position(position=_position(held[0], grounds - common), held_by=tuple(str(item["label"]) for item in held[:20]))
        for grounds, held in list(holders.items())[:_MAX_POSITIONS]
    ]
    shared = f"They share {len(common)} of their quotations" if common else "They share no quotation"
    return DifferencesDraft(
        conclusion=f"The {len(answers)} answers take {len(holders)} positions. {shared}.",
        divergences=(Divergence(topic="what the answers rest on", positions=tuple(positions)),),
    )


def leave_undecided(_material: Mapping[str, Any]) -> ResolutionDraft:
    """No position: this model quotes and compares, and cannot weigh what quotations say."""
    return ResolutionDraft(reason="No embedded model can weigh what quotations say.", position=UNDECIDED)


def _key(claim: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(re.sub(r"\W+", " ", str(quote["quote"])).strip().lower() for quote in claim["quotes"])


def _draft(claim: Mapping[str, Any]) -> ClaimDraft:
    quotes = [QuoteDraft(passage=str(item["passage"]), quote=str(item["quote"])) for item in claim["quotes"][:4]]
    return ClaimDraft(text=str(claim["text"]), quotes=tuple(quotes))


def _position(answer: Mapping[str, Any], own: frozenset[frozenset[str]]) -> str:
    if not answer["claims"]:
        return "It does not answer the question."
    texts = [str(claim["text"]) for claim in answer["claims"] if _key(claim) in own]
    if not texts:
        return "It rests on the common quotations alone."
    text = "It also says: " + " / ".join(texts)
    return text if len(text) <= 600 else text[:599] + "…"
