"""BuildCounts: what one pass over a corpus's source has done."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class BuildCounts:
    """Documents and passages of one pass; all 0 where the source had not changed, and was not read."""

    was_read: bool = False
    """Whether the source was read at all."""
    new: int = 0
    """Documents that the index did not hold before."""
    changed: int = 0
    unchanged: int = 0
    removed: int = 0
    """Documents that the source no longer holds."""
    embedded: int = 0
    """Passages whose vectors were made."""
    reused: int = 0
    """Passages of new or changed documents whose vectors were there already, after a kill for example."""
