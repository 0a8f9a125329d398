"""Outcome: the result of a run, with its folder, totals and notes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias
from uuid import UUID

from contract.base import JsonValue
from contract.findings import CitedAnswer
from contract.questions import Question
from contract.record import Record
from flows.accounting.ledger import Totals
from flows.run_folder.derive import Derived
from flows.run_folder.save import SaveResult
from flows.storage.rows import Reject

Result: TypeAlias = tuple[Record, JsonValue]
"""A record, and the output of the flow's `result` step for it, or None."""


@dataclass
class Outcome:
    """The result of a run."""

    folder: Path
    totals: Totals
    rejects: Sequence[Reject] = ()
    """Rows that were left out of the records or the corpus, and why; `rejects.csv` holds the same."""
    flow_run_id: UUID | None = None
    flow_runs: set[UUID] = field(default_factory=set[UUID])
    """The Prefect flow runs that hold its task runs."""
    results: list[Result] = field(default_factory=list[Result])
    derived: Derived | None = None
    """The tables and measures, once they are written."""
    answers: Sequence[CitedAnswer] = ()
    """The cited answers among the results, once the run's folder is written."""
    artifacts: Sequence[str] = ()
    """The names under which the Prefect UI shows the answers or the report."""
    records: int = 0
    """How many records were taken through the flow."""
    seal: str = ""
    """Digest of the digests of all files of the folder."""
    waiting: Sequence[Question] = ()
    """The questions to people that are open; the same command goes on when they are answered."""
    waiting_file: Path | None = None
    """Where these stand, ready to be answered."""
    saved: Sequence[SaveResult] = ()
    """The result of saving at each storage that the flow saves to."""

    @property
    def unsaved(self) -> list[str]:
        """The storages to which the run could not be saved."""
        return [one.storage for one in self.saved if not one.done]
