"""Ledger: writes every cell of a run to a file as it ends, and keeps the totals of the run.

Rows go to `answers.jsonl` one by one, so memory does not grow with the run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import IO
from uuid import UUID

from contract.calls import ModelCall, ModelReply, Usage
from contract.errors import RunError, Transient
from contract.messages import AgentTrace, CellStatus
from flows.accounting.costs import Costs
from flows.accounting.journal_file import LostCall
from flows.accounting.run_log import RunLog
from flows.files.os_error import os_error_text
from flows.spec.cell import Cell

STATUSES_WITHOUT_OUTPUT: frozenset[CellStatus] = frozenset({"failed", "truncated", "missing_input", "over_budget"})
"""Statuses that leave a gap in the results. A refusal is a finding, and a skipped step was not wanted."""


@dataclass
class Totals:
    """The totals of a run so far."""

    cells: Counter[CellStatus] = field(default_factory=Counter[CellStatus])
    by_step: dict[str, Counter[CellStatus]] = field(default_factory=dict[str, Counter[CellStatus]])
    running: int = 0
    """Cells under way."""
    transient_errors: int = 0
    """Failures of services that may be temporary."""
    task_runs: int = 0
    calls_paid: int = 0
    calls_kept: int = 0
    """Kept replies that were used instead of new, paid calls."""
    usage: Usage = field(default_factory=Usage)
    cost_usd: Decimal = Decimal(0)
    """Known cost of the calls paid for in this run."""
    cost_unknown: int = 0
    """Paid calls whose price is not known; they are not in `cost_usd`."""
    tool_calls_unknown: int = 0
    """Calls of tools of other servers, made in this run; what they cost is not known, and is in no other figure."""
    cost_kept_usd: Decimal = Decimal(0)
    """Known cost of the kept replies, whenever they were paid for."""
    kept_unknown: int = 0
    """Kept replies whose price is not known; they are not in `cost_kept_usd`."""
    lost_calls: Callable[[str], Sequence[LostCall]] = field(default=lambda _: ())
    """Key of a call -> the calls whose replies no run is served, of this run and of those that ended."""
    calls_repeated: int = 0
    """Such calls whose cost is known, from their reply or from that of the same call."""
    cost_repeated_usd: Decimal = Decimal(0)
    """What they cost, if the service billed them."""
    calls_unanswered: int = 0
    """Such calls that were never answered, not even later."""
    cost_unanswered_usd: Decimal = Decimal(0)
    """The most that they can cost, as far as their prices are known."""
    unanswered_unknown: int = 0
    """Those of them whose price is not known."""
    payers: set[str] = field(default_factory=set[str])
    """The runs whose payments are this run's: itself, and its lost shards."""
    costs: Costs = field(default_factory=Costs)
    """The costs by step and model."""
    _counted: set[int] = field(default_factory=set[int])
    """Digests of the calls whose replies are counted; of those without one only if they were lost."""
    served_by: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    """Model -> the versions that, by the provider's report, answered."""

    @property
    def without_output_text(self) -> str:
        """How many cells have no output, as a person reads it."""
        number = self.cells_without_output
        return "1 cell has no output" if number == 1 else f"{number} cells have no output"

    @property
    def cells_without_output(self) -> int:
        """Cells that should have an output and have none."""
        return sum(self.cells[status] for status in STATUSES_WITHOUT_OUTPUT)

    def add(self, trace: AgentTrace, *, fresh: bool) -> None:
        """Counts one cell; `fresh` is True if it ran now, so that its calls may have been paid for in this run."""
        self.cells[trace.status] += 1
        self.by_step.setdefault(trace.step, Counter())[trace.status] += 1
        for call in trace.calls:
            if call.reply is not None:
                self._add_reply(trace, call, call.reply, fresh=fresh)
            else:
                self.costs.add(trace, call, sent=fresh, paid=False)
        self.tool_calls_unknown += sum(fresh and call.cost_usd is None and not call.from_cache for call in trace.tools)
        for key in {call.key for call in trace.calls}:
            if lost := self.lost_calls(key):
                # A call that failed may have been answered when it was made again.
                self.add_lost(key, lost, [call.reply for call in trace.calls if call.key == key and call.reply])

    def add_lost(self, key: str, calls: Sequence[LostCall], replies: Sequence[ModelReply] = ()) -> None:
        """Counts the lost calls with that key, unless they are counted; `replies` are those of the same call."""
        mark = hash((key, "lost"))
        if not calls or mark in self._counted:
            return
        self._counted.add(mark)
        for call in calls:
            if call.reply and ({hash((key, call.reply)), _reply_mark(call.reply, call.cost)} & self._counted):
                continue  # It brought a reply that is counted by itself.
            known = next((reply.cost_usd for reply in replies if reply.cost_usd is not None), None)
            self._add_lost_call(call, call.cost if call.cost is not None else known)

    def _add_lost_call(self, call: LostCall, cost: Decimal | None) -> None:
        if cost is not None:
            self.calls_repeated += 1
            self.cost_repeated_usd += cost
            return
        self.calls_unanswered += 1
        self.cost_unanswered_usd += call.worst or 0
        self.unanswered_unknown += call.worst is None

    @property
    def at_most_usd(self) -> Decimal | None:
        """The most that all attempts of the study together were billed; None if a price is unknown."""
        if self.cost_unknown or self.kept_unknown or self.unanswered_unknown:
            return None
        return self.cost_usd + self.cost_kept_usd + self.cost_repeated_usd + self.cost_unanswered_usd

    def _add_reply(self, trace: AgentTrace, call: ModelCall, reply: ModelReply, *, fresh: bool) -> None:
        first = (mark := hash((call.key, reply.ended.isoformat()))) not in self._counted
        self._counted |= {mark, _reply_mark(reply.ended.isoformat(), reply.cost_usd)}
        self._counted |= {hash((call.key, reply.paid_by_attempt))} if reply.paid_by else set()
        paid = first and reply.paid_by_run in self.payers if reply.paid_by else fresh and not call.from_cache
        self.costs.add(trace, call, sent=paid, paid=paid)
        if paid:
            self.count_paid(reply)
        else:
            self.calls_kept += 1
            self.count_kept(reply, 1 if first else 0)
        if reply.served_by:
            self.served_by.setdefault(str(trace.input.parameters.get("model")), set()).add(reply.served_by)

    def count_kept(self, reply: ModelReply, times: int) -> None:
        """Counts what a kept reply had cost that many times; -1 takes it back."""
        if reply.cost_usd is None:
            self.kept_unknown += times
        else:
            self.cost_kept_usd += times * reply.cost_usd

    def count_paid(self, reply: ModelReply) -> None:
        """Counts a reply that this run paid for."""
        self.calls_paid += 1
        self.usage = self.usage + reply.usage
        if reply.cost_usd is None:
            self.cost_unknown += 1
        else:
            self.cost_usd += reply.cost_usd


def _reply_mark(ended: str, cost: Decimal | None) -> int:
    """Tells a reply from others, whichever call of its cell it is counted with."""
    return hash(("reply", ended, cost))


CellListener = Callable[[AgentTrace, Totals], None]
TransientErrorListener = Callable[[Transient, Totals], None]


class Ledger:
    """Writes and counts every cell of a run. Use as a context manager; the file is complete when it closes."""

    def __init__(
        self,
        folder: Path,
        on_cell: CellListener | None = None,
        on_transient_error: TransientErrorListener | None = None,
        log: RunLog | None = None,
        on_note: Callable[[str], None] | None = None,
    ) -> None:
        self.path = folder / "answers.jsonl"
        self.totals = Totals()
        self._on_cell = on_cell
        self._on_transient_error = on_transient_error
        self._log = log
        self._on_note = on_note
        self._noted = set[str]()
        self._noted_structures = set[str]()
        self._noted_versions = set[str]()
        self._file: IO[str] | None = None

    def __enter__(self) -> Ledger:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._part.open("w", encoding="utf-8")
        return self

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        if self._file:
            self._file.close()
            if kind is None:
                self._part.replace(self.path)

    @property
    def _part(self) -> Path:
        return self.path.with_suffix(".jsonl.part")

    @asynccontextmanager
    async def running(self, cell: Cell) -> AsyncGenerator[None]:
        """Counts a cell as under way for the length of the block."""
        if self._log:
            self._log.cell_started(cell)
        self.totals.running += 1
        try:
            yield
        finally:
            self.totals.running -= 1

    def note(self, text: str) -> None:
        """Says a sentence about the run, once."""
        if self._on_note and text not in self._noted:
            self._noted.add(text)
            self._on_note(text)

    def transient_error(self, error: Transient) -> None:
        """Counts a failure that may be temporary; its cell may be tried again."""
        self.totals.transient_errors += 1
        if self._log:
            self._log.write("attempt failed", error=type(error).__name__, reply_lost=error.loses_reply)
        if self._on_transient_error:
            self._on_transient_error(error, self.totals)

    def add(self, trace: AgentTrace, *, fresh: bool, task_run: bool, task_run_id: UUID | None = None) -> None:
        """Writes and counts one cell. Raises RunError when the file cannot be written."""
        if self._file is None:
            raise RuntimeError("the ledger is not open")
        try:
            self._file.write(trace.model_dump_json() + "\n")
        except OSError as error:
            raise RunError(f"cannot write {self.path}: {os_error_text(error)}") from error
        self.totals.add(trace, fresh=fresh)
        self.totals.task_runs += task_run
        self._note_versions(str(trace.input.parameters.get("model")))
        self._note_structure(trace)
        if self._log:
            self._log.cell_ended(trace, fresh=fresh, task_run_id=task_run_id)
        if self._on_cell:
            self._on_cell(trace, self.totals)

    def _note_versions(self, model: str) -> None:
        """Notes once that one name of a model stands for several versions, as when a provider moves an alias."""
        versions = self.totals.served_by.get(model, ())
        if len(versions) > 1 and self._on_note and model not in self._noted_versions:
            self._noted_versions.add(model)
            self._on_note(
                f"the answers of '{model}' are of more than one version ({', '.join(sorted(versions))}), kept ones "
                "included; the column served_by of cells.csv tells them apart"
            )

    def _note_structure(self, trace: AgentTrace) -> None:
        """Notes once for each model that its service refused the way in which the structure was to be asked for."""
        model = str(trace.input.parameters.get("model"))
        way = next((call.reply.structured for call in trace.calls if call.reply and call.reply.structured), None)
        if way and self._on_note and model not in self._noted_structures:
            self._noted_structures.add(model)
            self._on_note(
                f"the service of '{model}' refused the way in which it was asked for a structured reply, so it was "
                f"asked by `{way}`; write `structured: {way}` in its configuration to ask in this way at once"
            )
