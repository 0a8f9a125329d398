"""Progress: shows how far a run is. A terminal gets a moving line, other outputs one line for each tenth of the run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager
from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import Progress, ProgressColumn, SpinnerColumn, Task, TaskID, TextColumn
from rich.table import Column
from rich.text import Text

from flows.cli.console import escape_markup
from flows.report.words import pluralised

if TYPE_CHECKING:
    from contract.errors import Transient
    from contract.messages import AgentTrace
    from flows.accounting.ledger import Totals

_MAX_REPORTED = 20
"""Cells without an output that are printed one by one; later ones are only counted."""
_COUNTED_STATUSES = ("failed", "refused", "truncated", "missing_input", "over_budget", "waiting", "skipped")


class _Times(ProgressColumn):
    """How long the run has taken, and how long it will take, each with its word. Neither is ever cut."""

    def get_table_column(self) -> Column:
        return Column(no_wrap=True, justify="right")

    def render(self, task: Task) -> Text:
        left = f", about {_duration(task.time_remaining)} left" if task.time_remaining else ""
        return Text(f"{_duration(task.elapsed or 0)} so far{left}")


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"


class RunProgress(AbstractContextManager["RunProgress"]):
    """Shows cells done, running, failed and refused, the cost so far and the time left."""

    def __init__(self, console: Console, *, quiet: bool) -> None:
        self._console = console
        self._quiet = quiet
        self._is_animated = console.is_terminal and not quiet
        self._progress = Progress(
            SpinnerColumn(), TextColumn("{task.description}", table_column=Column(ratio=1, overflow="fold")), _Times(),
            console=console, transient=True, disable=not self._is_animated, expand=True,
        )  # fmt: skip
        self._task: TaskID | None = None
        self._expected = 0
        self._tenths = 0
        self._reported = 0
        self._printed = set[str]()
        self._troubles = Counter[tuple[str, str]]()
        self._totals: Totals | None = None

    def __enter__(self) -> RunProgress:
        self._progress.start()
        self._task = self._progress.add_task("starting", total=None)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._progress.stop()

    def print_repeated(self) -> None:
        """Prints once for each trouble how many more cells had it."""
        for (status, message), count in self._troubles.items():
            if count > 1 and not self._quiet:
                more = f"{count - 1:,} more {'cell' if count == 2 else 'cells'}"
                self._print_once(f"{more} {status.replace('_', ' ')} for the same reason: {message}")
        self._troubles.clear()

    def print_interrupted(self) -> None:
        """Prints what an interrupted run had done and spent, and what is kept of it."""
        self._progress.stop()
        if self._quiet:
            return
        if self._totals is None:
            self._console.print("No cell had begun.", highlight=False)
            return
        self.print_repeated()
        done = self._totals.cells.total()
        of = f" of at most {self._expected:,}" if self._expected > done else ""
        self._console.print(f"Done: {done:,}{of} cells. {cost_line(self._totals)}", highlight=False)
        self._console.print("Kept: every reply that came.", highlight=False)

    @contextmanager
    def paused(self) -> Generator[None]:
        """Shows nothing while the block runs: a person is asked."""
        self._progress.stop()
        try:
            yield
        finally:
            self._progress.start()

    def set_expected(self, cells: int) -> None:
        """Sets the largest number of cells that there can be."""
        self._expected = cells

    def set_status(self, text: str) -> None:
        """Shows what is going on now."""
        if self._task is not None:
            self._progress.update(self._task, description=escape_markup(text))

    def on_indexing(self, done: int, total: int | None) -> None:
        """Shows how many passages of the corpus are indexed so far, and how many are new or changed."""
        self.set_status(f"indexing the corpus: {done}{f' of {total}' if total else ''} passages")

    def on_note(self, text: str) -> None:
        """Prints a note about the corpus that a scholar should know."""
        self._console.print(f"note: {escape_markup(text)}", style="yellow", highlight=False)

    def on_cell(self, trace: AgentTrace, totals: Totals) -> None:
        """Counts a cell that has ended, and prints it when it is the first that has no output for its reason."""
        self._totals = totals
        if self._is_animated and self._task is not None:
            done = totals.cells.total()
            self._progress.update(
                self._task,
                description=escape_markup(_totals_text(totals)),
                completed=done,
                total=max(self._expected, done),
            )
        elif not self._quiet:
            self._print_tenth(totals)
        if not self._quiet and trace.status not in ("completed", "skipped", "waiting"):
            self._print_cell(trace)

    def on_stop(self, totals: Totals) -> None:
        """Keeps the totals of a run that is stopped, for `print_interrupted`."""
        self._totals = totals

    def on_transient_error(self, error: Transient, totals: Totals) -> None:
        """Prints that a service failed in a way that may pass: the first time, then whenever the count doubles."""
        if not self._quiet and totals.transient_errors.bit_count() == 1:
            times = "" if totals.transient_errors == 1 else f" ({totals.transient_errors} times so far)"
            self._console.print(f"trying again{times}: {escape_markup(str(error))}", style="yellow", highlight=False)

    def _print_once(self, message: str) -> None:
        if message not in self._printed:
            self._printed.add(message)
            self._console.print(escape_markup(message), style="yellow", highlight=False)

    def _print_tenth(self, totals: Totals) -> None:
        tenths = 10 * totals.cells.total() // max(self._expected, 1)
        if self._expected >= 100 and tenths > self._tenths:
            self._tenths = tenths
            self._console.print(f"{10 * min(tenths, 10)}%: {_totals_text(totals)}", highlight=False)

    def _print_cell(self, trace: AgentTrace) -> None:
        if trace.error and trace.error.kind in ("ModelUnusable", "ReplyUnreadable", "ReplyBroken"):
            self._print_once(trace.error.message)
            return
        message = trace.error.message if trace.error else trace.note or ""
        trouble = (trace.status, message)
        self._troubles[trouble] += 1
        if self._troubles[trouble] > 1:
            return
        self._reported += 1
        if self._reported > _MAX_REPORTED:
            return
        if trace.status == "refused":
            message += "; `again=refused` asks it once more"
        model = f" by {trace.variant['model']}" if "model" in trace.variant else ""
        self._console.print(
            f"{trace.step} {trace.status}, {escape_markup(trace.record_id + model)}: {escape_markup(message)}",
            style="yellow",
            highlight=False,
        )
        if self._reported == _MAX_REPORTED:
            self._console.print("further ones are only counted; cells.csv holds all of them", style="yellow")


def _totals_text(totals: Totals) -> str:
    counts = [f"{totals.cells[status]} {status}" for status in _COUNTED_STATUSES if totals.cells[status]]
    cost = f"${totals.cost_usd:.4f}" + (
        f" and {pluralised(totals.cost_unknown, 'call')} of unknown price" * bool(totals.cost_unknown)
    )
    return ", ".join([f"{totals.cells['completed']} cells done", f"{totals.running} running", *counts, cost])


def cost_line(totals: Totals) -> str:
    """The run's model calls and their cost, in one line. Names calls of unknown price, and those maybe billed twice."""
    paid = f"{totals.calls_paid} new, {totals.calls_kept} kept from before"
    cost = f"${totals.cost_usd:.4f}"
    if totals.cost_unknown:
        cost += f", and {pluralised(totals.cost_unknown, 'call')} whose price is unknown"
    if totals.cost_kept_usd or totals.kept_unknown:
        unknown = f", and the price of {totals.kept_unknown} of them is unknown" * bool(totals.kept_unknown)
        cost += f"; the kept replies had cost ${totals.cost_kept_usd:.4f}{unknown}"
    if totals.calls_repeated:
        calls = pluralised(totals.calls_repeated, "call")
        repeated = f"{calls} that had to be made again, since their replies were lost or could not be used"
        cost += f"; {repeated}, may have cost ${totals.cost_repeated_usd:.4f} more"
    if totals.calls_unanswered:
        unknown = f", and {totals.unanswered_unknown} of unknown price" * bool(totals.unanswered_unknown)
        most = f"at most ${totals.cost_unanswered_usd:.4f}{unknown}"
        calls, were = pluralised(totals.calls_unanswered, "call"), "was" if totals.calls_unanswered == 1 else "were"
        cost += f"; {calls} that {were} never answered may have been billed, {most}"
    if totals.tool_calls_unknown:
        cost += f"; calls of tools of other servers, whose cost is not known: {totals.tool_calls_unknown}"
    return f"Model calls: {paid}. Cost: {cost}."
