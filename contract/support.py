"""Whether the sentences of an answer follow from the words quoted for them: what a model is asked, and what it said."""

from __future__ import annotations

from pydantic import Field

from contract.base import Frozen
from contract.findings import JudgedClaim, SupportVerdict
from contract.texts import Sentence, Short


class SupportJudgement(Frozen):
    """What the quotations of one claim say about it."""

    claim: Short
    """The label of the claim, for example C2."""
    # Evidence before conclusion: models write fields in this order.
    reason: Sentence
    """One sentence that names the words of the quotations that decide."""
    verdict: SupportVerdict


class SupportDraft(Frozen):
    """The reply asked of a model that compares claims with their quotations."""

    judgements: tuple[SupportJudgement, ...] = Field(min_length=1)


class SupportReport(Frozen):
    """The claims with what was judged of each, or why nothing was judged."""

    claims: tuple[JudgedClaim, ...] = ()
    not_judged: str | None = None
    """Why no claim was judged, as part of a sentence; None where they were."""
