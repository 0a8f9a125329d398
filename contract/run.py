"""Settings of a run that change how it goes but never what it says."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from contract.base import Frozen


class RunSettings(Frozen):
    """The `run:` section. None of these is part of a cache key."""

    folder: Path = Path("runs")
    """Where run folders go: `<folder>/<flow>/<run>/`."""
    results: Path | None = None
    """Where paid-for replies and results are kept; None means the user's cache folder."""
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
