"""Study table: prints each model's verdicts by each criterion, and how far they agree with people's answers."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from flows.cli.console import escape_markup
from flows.measures.few_records import few_records_text
from flows.measures.results import Estimate
from flows.measures.summary import SummaryRow, summarise_verdicts
from flows.report.answer_markdown import DEMONSTRATION_NOTICE
from flows.run_folder.derive import Derived

_WIDE = 100
"""Columns of a terminal from which verdicts need not be folded. Below, a fixed width would push others off the edge."""


def show_study(console: Console, derived: Derived) -> None:
    """Prints a table with one row for each criterion and model."""
    if derived.measured is None:
        return
    rows = summarise_verdicts(derived.rows, derived.measured)
    table = Table(title=f"Verdicts: {derived.data.spec.name}", title_justify="left", box=None, pad_edge=False)
    for heading in ("criterion", "model"):
        table.add_column(heading, overflow="fold")
    # Verdicts are never cut: two that begin alike would look the same.
    longest = max((len(verdict) for row in rows for verdict in row.verdicts), default=0)
    table.add_column("verdicts", overflow="fold", min_width=min(longest + 1, 30) if console.width >= _WIDE else 1)
    table.add_column("none", overflow="fold")
    has_truth = any(row.truth is not None for row in derived.rows)
    for heading in ("accuracy", "kappa with people") if has_truth else ():
        table.add_column(heading, overflow="fold")
    has_scores = any(row.reasons_found for row in rows)
    if has_scores:
        table.add_column("experts' reasons", overflow="fold")
    for row in rows:
        estimates = (_estimate(row.accuracy), _estimate(row.cohen_kappa)) if has_truth else ()
        estimates = (*estimates, *((_estimate(row.reasons_found),) if has_scores else ()))
        table.add_row(
            escape_markup(row.criteria), escape_markup(row.model), _verdicts(row), _missing_verdicts(row), *estimates
        )
    console.print()
    console.print(table)
    if caveat := few_records_text(len({row.record_id for row in derived.rows})):
        console.print(caveat, style="yellow", highlight=False)
    if not has_truth:
        console.print("Not compared with people: no record has an answer of theirs.", highlight=False)
    if any(row.quality == "demonstration" for row in derived.rows):
        console.print(f"[italic]{DEMONSTRATION_NOTICE}[/italic]", highlight=False)


def _verdicts(row: SummaryRow) -> str:
    return escape_markup(", ".join(f"{number} {verdict}" for verdict, number in row.verdicts.items())) or "–"


def _missing_verdicts(row: SummaryRow) -> str:
    return ", ".join(f"{number} {status.replace('_', ' ')}" for status, number in row.without_verdict.items()) or "–"


def _estimate(estimate: Estimate | None) -> str:
    if estimate is None:
        return "–"
    if estimate.value is None:
        return escape_markup(f"undefined: {estimate.undefined}")
    interval = "" if estimate.low is None else escape_markup(f" [{estimate.low:.2f}, {estimate.high:.2f}]")
    return f"{estimate.value:.2f}{interval}"
