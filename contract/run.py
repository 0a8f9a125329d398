"""Settings of a run: its pace, its share of the data, and what it may cost."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from contract.base import Frozen
from contract.record_columns import RecordColumns
from contract.server_policy import parse_server_policy

_MAX_SECONDS = 30 * 24 * 3600


class RunSettings(Frozen):
    """The `run:` section. None of these is part of a cache key."""

    folder: Path = Path("runs")
    """Where run folders go: `<folder>/<flow>/<run>/`."""
    record_columns: RecordColumns = ()
    """The columns of `records.csv` beside the record's id, for example `[title, text, metadata.year]`. Without any,
    there is no such table."""
    results: str | None = None
    """Where paid-for replies and results are kept: a folder, or `gs://bucket/prefix`, which workers on several machines
    share. None means the user's cache folder."""
    audit: Path | None = None
    """The file of the audit trail; None means `audit.jsonl` in the user's state folder."""
    concurrency: int = Field(default=50, ge=1, le=1000)
    """Cells that run at the same time."""
    batch: int = Field(default=250, ge=1, le=5000)
    """Records that go through the flow's graph together."""
    timeout_seconds: float = Field(default=600, gt=0, le=_MAX_SECONDS)
    """For one cell, its re-asks included. Waits for a turn (limits of the model, locks, the budget) do not count."""
    retries: int = Field(default=4, ge=0, le=20)
    """How often Prefect runs a cell again after a transient failure."""
    retry_delay_seconds: float = Field(default=2, ge=0, le=_MAX_SECONDS)
    """The first wait; each further one doubles, up to a minute, with jitter."""
    sample: int | None = Field(default=None, ge=1)
    """How many records to take, drawn without replacement; None takes all. Shorthand: `sample=100`."""
    seed: int = 0
    """Which sample: the same seed draws the same records, in whatever order they come. Shorthand: `seed=7`."""
    budget: Decimal | None = Field(default=None, ge=0, le=1_000_000_000)
    """US dollars that this run may pay. A call that could exceed them is not made; the same command, with another
    budget, goes on from there. Shorthand: `budget=5.00`."""
    again: Literal["refused"] | None = None
    """What kept answers are to be asked once more: `refused` for those that a model or its provider's filter declined.
    Shorthand: `again=refused`."""
    answers: Path | None = None
    """A file with people's answers: YAML as in `waiting.yaml`, CSV or XLSX. Shorthand: `answers=waiting.yaml`."""
    ask: Literal["now", "later"] = "now"
    """What a run does with questions to people. `now`: they are asked at the terminal, or with a form at the page of a
    Prefect server. `later`: nobody is asked; the run does all else and ends in the state Waiting."""
    shards: int = Field(default=1, ge=1, le=200)
    """Number of child runs of its deployment into which a deployed run splits its records. Shorthand: `shards=8`."""
    shard: str | None = None
    """Which part of the records to take: `3/8` is the third of eight. A run with `shards` gives it to its children."""
    lost_after_seconds: float = Field(default=60, ge=1, le=_MAX_SECONDS)
    """How long a worker may give no sign of life before it counts as lost: its shard is run again, and its locks are
    free. Workers give six signs of life in this time."""
    server: str | None = None
    """What a command does where no Prefect server answers. `stay 15m` starts the server of this machine, which ends by
    itself after 15 minutes without a run; `with_run` starts one for this run alone; `none` starts none. None means
    `stay 15m`, and `with_run` in automated builds and tests."""

    @field_validator("server")
    @classmethod
    def _check_server(cls, value: str | None) -> str | None:
        if value is not None:
            parse_server_policy(value)
        return value

    @field_validator("results")
    @classmethod
    def _check_results(cls, value: str | None) -> str | None:
        scheme, colons, rest = (value or "").partition("://")
        if colons and scheme != "gs":
            raise ValueError(f"'{scheme}://' is not known; write a folder, or gs://bucket/prefix")
        if colons and not re.fullmatch(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9](/.*)?", rest):
            raise ValueError("this names no bucket; write gs://bucket/prefix")
        return value or None

    @field_validator("shard")
    @classmethod
    def _check_shard(cls, value: str | None) -> str | None:
        if value is not None:
            parse_shard(value)
        return value


def parse_shard(shard: str) -> tuple[int, int]:
    """Returns the two numbers of `3/8`. Raises ValueError for any other text."""
    found = re.fullmatch(r"(\d{1,3})/(\d{1,3})", shard)
    if not found or not 1 <= int(found[1]) <= int(found[2]):
        raise ValueError("write which part of how many, for example 3/8")
    return int(found[1]), int(found[2])
