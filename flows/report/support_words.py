"""Says of each claim of an answer whether its quotations support it, in the words that console and page share."""

from __future__ import annotations

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
        return f"Whether the sentences follow from their quotations was not judged: {answer.support_not_judged}."
    judges = dict.fromkeys(claim.support.model for claim in answer.claims if claim.support)
    return f"Each sentence was judged against its quotations by {', '.join(judges)}." if judges else None
