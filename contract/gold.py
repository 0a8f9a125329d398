"""GoldEntry: what people agreed a record is by a criterion, and how they came to it; one line of a gold set."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal

from pydantic import Field

from contract.base import Frozen, FrozenMap

How = Literal["agreed", "adjudicated", "corrected", "open"]
"""agreed: all who coded it said the same; adjudicated: somebody decided where they differed; corrected: somebody
marked a model's verdict as wrong; open: they differ, and nobody has decided yet."""


class GoldEntry(Frozen):
    """One decision. A later one on the same record and criterion takes its place."""

    record_id: str
    criterion: str
    record_sha256: str | None = None
    """Digest of the words that people read; None where it is not known."""
    criterion_sha256: str | None = None
    verdict: str | None
    """None where people cannot decide, or have not yet."""
    how: How
    by: str = ""
    """Who decided; empty where all agreed."""
    why: str = ""
    votes: FrozenMap = Field(default_factory=dict, validate_default=True)
    """Person -> verdict, as each gave it before."""
    unclear: FrozenMap = Field(default_factory=dict, validate_default=True)
    """Person -> what they wrote, where the criterion was unclear to them."""
    models_shown: bool = False
    """Whether models' answers were asked for before the decision."""
    probability: float | None = None
    """The probability with which the record came into the sample; None where it is not known."""
    run: str = ""
    """For a correction: the run, and the model whose verdict it corrects."""
    at: datetime = Field(default_factory=lambda: datetime.now(UTC))

    @property
    def key(self) -> tuple[str, str]:
        """Record and criterion."""
        return self.record_id, self.criterion

    def as_people(self) -> Mapping[str, object]:
        """The decision as it stands in a record's ground truth."""
        return {
            "gold": self.verdict, "how": self.how, "coders": dict(self.votes),
            **({"unclear": dict(self.unclear)} if self.unclear else {}),
        }  # fmt: skip
