"""Ledger: writes every cell of a run to a file as it ends, and keeps the totals of the run.

Rows go to `answers.jsonl` one by one, so memory does not grow with the run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import IO
from uuid import UUID

from contract.calls import ModelReply, Usage
from contract.errors import RunError, Transient
from contract.messages import AgentTrace, CellStatus
from flows.accounting.costs import Costs
from flows.accounting.run_log import RunLog
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
    cost_kept_usd: Decimal = Decimal(0)
    """Known cost of the kept replies, whenever they were paid for."""
    repeat_count: Callable[[str], int] = field(default=lambda _: 0)
    """Key of a call -> how often it started and never came back, in this run or in one that was killed."""
    calls_repeated: int = 0
    cost_repeated_usd: Decimal = Decimal(0)
    """The cost of those calls if the service billed them: what the same call cost when it came back."""
    costs: Costs = field(default_factory=Costs)
    """The costs by step and model."""
    _repeats_counted: set[str] = field(default_factory=set[str])
    served_by: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    """Model -> the versions that, by the provider's report, answered."""

    @property
    def cells_without_output(self) -> int:
        """Cells that should have an output and have none."""
        return sum(self.cells[status] for status in STATUSES_WITHOUT_OUTPUT)

    def add(self, trace: AgentTrace, *, fresh: bool) -> None:
        """Counts one cell; `fresh` is True if it ran now, so that its calls may have been paid for in this run."""
        self.cells[trace.status] += 1
        self.by_step.setdefault(trace.step, Counter())[trace.status] += 1
        self.costs.add(trace, fresh=fresh)
        for call in trace.calls:
            if call.reply is not None:
                self._add_reply(call.reply, paid=fresh and not call.from_cache)
                self._add_repeats(call.key, call.reply)
                if call.reply.served_by:
                    model = str(trace.input.parameters.get("model"))
                    self.served_by.setdefault(model, set()).add(call.reply.served_by)

    def _add_reply(self, reply: ModelReply, *, paid: bool) -> None:
        if not paid:
            self.calls_kept += 1
            self.cost_kept_usd += reply.cost_usd or 0
            return
        self.calls_paid += 1
        self.usage = self.usage + reply.usage
        if reply.cost_usd is None:
            self.cost_unknown += 1
        else:
            self.cost_usd += reply.cost_usd

    def _add_repeats(self, key: str, reply: ModelReply) -> None:
        if key not in self._repeats_counted and (times := self.repeat_count(key)):
            self._repeats_counted.add(key)
            self.calls_repeated += times
            self.cost_repeated_usd += times * (reply.cost_usd or 0)


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
            raise RunError(f"cannot write {self.path}: {error.strerror or error}") from error
        self.totals.add(trace, fresh=fresh)
        self.totals.task_runs += task_run
        self._note_versions(str(trace.input.parameters.get("model")))
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
