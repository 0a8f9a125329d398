"""The notes of a run in its report and its answer, such as that a bound was reached, or nobody answered in time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

NOTES_HEADING = "What the run said"


def notes_of(manifest: Mapping[str, Any]) -> Sequence[str]:
    """The notes, in the order in which they were said; a run from before they were kept has none."""
    return manifest.get("notes", ())
