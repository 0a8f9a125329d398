"""Settings of a run: how it goes, how much of the data it takes, and what it may cost."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from pydantic import Field

from contract.base import Frozen


class RunSettings(Frozen):
    """The `run:` section. None of these is part of a cache key."""

    folder: Path = Path("runs")
    """Where run folders go: `<folder>/<flow>/<run>/`."""
    results: Path | None = None
    """Where paid-for replies and results are kept; None means the user's cache folder."""
    audit: Path | None = None
    """The file of the audit trail; None means `audit.jsonl` in the user's folder for what programs remember."""
    concurrency: int = Field(default=50, ge=1, le=1000)
    """Cells under way at once."""
    batch: int = Field(default=250, ge=1, le=5000)
    """Records that go through the flow's graph together."""
    timeout_seconds: float = Field(default=600, gt=0)
    """For one cell, its waits for limits and its re-asks included."""
    retries: int = Field(default=4, ge=0, le=20)
    """How often Prefect runs a cell again after a transient failure."""
    retry_delay_seconds: float = Field(default=2, ge=0)
    """The first wait; each further one doubles, up to a minute, with jitter."""
    sample: int | None = Field(default=None, ge=1)
    """How many records to take, drawn without replacement; None takes all. Shorthand: `sample=100`."""
    seed: int = 0
    """Which sample: the same seed draws the same records, in whatever order they come. Shorthand: `seed=7`."""
    budget: Decimal | None = Field(default=None, ge=0)
    """US dollars that the answers of this study may cost in all, what earlier runs paid for them included.
    No call begins that could pass it. Shorthand: `budget=5.00`."""
