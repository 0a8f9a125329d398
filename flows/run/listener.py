"""What a run tells whoever started it: a terminal, a notebook, or nobody."""

from __future__ import annotations

from prefect import get_run_logger

from contract.errors import Transient
from contract.messages import AgentTrace
from flows.accounting.ledger import Totals
from flows.run.people import People
from flows.run_folder.outcome import Outcome


class RunListener:
    """Receives the progress of a run. A subclass overrides the methods that it needs."""

    people = People()
    """How the run can reach people."""

    def on_indexing(self, done: int, total: int | None) -> None:
        """Receives how many passages of the corpus are indexed so far, and how many are new or changed."""

    def on_note(self, text: str) -> None:
        """Receives a sentence about the corpus that a scholar should know; writes it to the run's log."""
        get_run_logger().warning("%s", text)

    def on_cell(self, trace: AgentTrace, totals: Totals) -> None:
        """Receives a cell that has ended."""

    def on_transient_error(self, error: Transient, totals: Totals) -> None:
        """Receives a failure of a service that may pass; the same call may be made again."""

    def on_stop(self, totals: Totals) -> None:
        """Receives the totals of a run that was stopped, with the calls that it had sent and got no reply to."""

    def on_end(self, outcome: Outcome) -> None:
        """Receives the outcome, after the run's folder is written."""
