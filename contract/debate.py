"""Debate: what models decide where answers part, and how their votes are counted."""

from __future__ import annotations

from pydantic import Field

from contract.base import Frozen
from contract.comparisons import Divergence, MatterVote
from contract.texts import Sentence, Short

UNDECIDED = "undecided"


class ResolutionDraft(Frozen):
    """The reply asked of a model that decides one matter on which answers part."""

    # Evidence before conclusion, as in `ClaimDraft`.
    reason: Sentence
    position: Short
    """The label of the position that the quotations bear out, for example V1; or `undecided`."""


class Resolution(Frozen):
    """What one model decided of one matter."""

    divergence: Divergence
    position: int | None = Field(default=None, ge=1)
    """The number of the position, counted from 1; None when the quotations do not decide."""
    reason: str
    model: str


class VoteCount(Frozen):
    """The votes on each matter, in the order of the differences."""

    matters: tuple[MatterVote, ...] = ()
