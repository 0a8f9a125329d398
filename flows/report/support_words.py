"""Whether quotations support each claim, and whose answers labels mean, in the words that console and page share."""

from __future__ import annotations

from collections import Counter

from contract.comparisons import Differences
from contract.findings import CitedAnswer, JudgedClaim

_DOUBTS = {
    "contradicts": "Contradicted by what is quoted",
    "neither": "Not supported by what is quoted",
}


def doubt_text(claim: JudgedClaim) -> str | None:
    """What is wrong between the claim and its quotations, with the reason and who judged it; None where nothing is."""
    doubt = claim.doubt
    return f"{_DOUBTS[doubt.verdict]}, judged by {doubt.model}: {doubt.reason}" if doubt else None


def judging_text(answer: CitedAnswer) -> str | None:
    """Who judged the claims, or why nobody did; None for answers without claims and flows without that step."""
    if answer.support_not_judged:
        what = "Whether the sentences follow from their quotations, and answer the question, was not judged"
        return f"{what}, because {answer.support_not_judged}."
    judges = dict.fromkeys(claim.support.model for claim in answer.claims if claim.support)
    return f"Each sentence was judged against its quotations by {', '.join(judges)}." if judges else None


def labels_text(differences: Differences) -> str | None:
    """Which model each of the labels A1, A2, … stands for; None where no model is known, or no label is read."""
    if not differences.divergences and not any(one.label in differences.conclusion for one in differences.answers):
        return None
    times = Counter(label.model for label in differences.answers)
    named = [
        f"{label.label} is {label.model}{f' (repeat {label.repeat + 1})' if times[label.model] > 1 else ''}"
        for label in differences.answers
        if label.model
    ]
    return f"{', '.join(named)}." if named else None
