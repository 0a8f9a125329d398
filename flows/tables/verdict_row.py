"""VerdictRow: the verdict of one judge on one record by one criterion, as the measures and the report read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from contract.base import JsonValue
from contract.messages import CellStatus


@dataclass(frozen=True, slots=True)
class VerdictRow:
    """One record x criterion x model x repeat of the step that `measures.verdicts` names."""

    record_id: str
    criteria: str
    """The criterion's name; empty where the step has none."""
    model: str
    """The model's name, with every other variant dimension as `name=value`, so that each rater has its own name."""
    repeat: int
    """Counted from 0."""
    round: int
    """The last round of a loop; 0 outside loops."""
    status: CellStatus
    verdict: str | None
    """None unless the cell completed."""
    uncertainty: str | None
    truth: str | None
    """The verdict of people on this criterion, the ground truth; None where there is none."""
    groups: Mapping[str, JsonValue]
    """The metadata fields that `measures.by` names."""
    quality: str | None
    """`demonstration` for embedded models."""
    cell_id: str
    variant_id: str
    is_truth_possible: bool = True
    """False where no judge may give the verdict of people, so that nothing can be compared with it."""
    people: Mapping[str, str] = field(default_factory=dict[str, str])
    """Person -> verdict on this criterion, for people known by name."""
    unclear: Mapping[str, str] = field(default_factory=dict[str, str])
    """Person -> what they wrote, where the criterion was unclear to them."""
