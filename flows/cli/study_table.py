"""Prints each model's verdicts by each criterion, and how far they agree with people's answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table

from flows.cli.console import escape_markup
from flows.measures.few_records import few_compared_text, few_records_text
from flows.measures.results import Estimate
from flows.measures.summary import SummaryRow, summarise_verdicts
from flows.report.demonstration import DEMONSTRATION_VERDICTS
from flows.report.words import pluralised
from flows.run_folder.derive import Derived

_NOTHING = "–"
_WIDE = 100
"""Columns of a terminal from which there is a table; in a narrower one its columns would break within words."""


def show_study(console: Console, derived: Derived) -> None:
    """Prints the verdicts of each model by each criterion: as a table, or one below the other where it is narrow."""
    if derived.measured is None:
        return
    rows = summarise_verdicts(derived.rows, derived.measured)
    has_truth = any(row.truth is not None for row in derived.rows)
    described = [(row, _described(row, has_truth=has_truth, rows=rows)) for row in rows]
    console.print(f"\n[italic]Verdicts: {escape_markup(derived.data.spec.name)}[/italic]", highlight=False)
    (_print_table if console.width >= _WIDE else _print_blocks)(console, described)
    compared = min((row.records for row in rows if row.records), default=0)
    if caveat := few_records_text(len({row.record_id for row in derived.rows})) or few_compared_text(compared):
        console.print(caveat, style="yellow", highlight=False)
    if not has_truth:
        console.print("Not compared with people: no record has an answer of theirs.", highlight=False)
    if any(row.quality == "demonstration" for row in derived.rows):
        console.print(f"[italic]{DEMONSTRATION_VERDICTS}[/italic]", highlight=False)


def _described(row: SummaryRow, *, has_truth: bool, rows: Sequence[SummaryRow]) -> dict[str, str]:
    """What is shown of a row, by heading; the same headings for all rows."""
    shown = {"verdicts": _verdicts(row), "none": _missing_verdicts(row)}
    if has_truth:
        shown |= {
            "people judged": pluralised(row.records, "record") if row.records else _NOTHING,
            "accuracy": _estimate(row.accuracy), "kappa with people": _estimate(row.cohen_kappa),
        }  # fmt: skip
    if any(one.reasons_found for one in rows):
        shown["experts' reasons"] = _estimate(row.reasons_found)
    return shown


def _print_table(console: Console, described: Sequence[tuple[SummaryRow, Mapping[str, str]]]) -> None:
    table = Table(box=None, pad_edge=False)
    for heading in ("criterion", "model"):
        table.add_column(heading, overflow="fold")
    # Verdicts are never cut: two that begin alike would look the same.
    longest = max((len(verdict) for row, _ in described for verdict in row.verdicts), default=0)
    for heading in described[0][1] if described else ():
        table.add_column(heading, overflow="fold", min_width=min(longest + 1, 30) if heading == "verdicts" else None)
    for row, shown in described:
        table.add_row(escape_markup(row.criteria), escape_markup(row.model), *shown.values())
    console.print(table)


def _print_blocks(console: Console, described: Sequence[tuple[SummaryRow, Mapping[str, str]]]) -> None:
    for row, shown in described:
        console.print(f"[bold]{escape_markup(row.criteria)}, {escape_markup(row.model)}[/bold]", highlight=False)
        block = Table.grid(padding=(0, 2, 0, 0))
        block.add_column(no_wrap=True)
        block.add_column(overflow="fold")
        for heading, text in shown.items():
            if text != _NOTHING:
                block.add_row(f"  {heading}", text)
        console.print(block)


def _verdicts(row: SummaryRow) -> str:
    return escape_markup(", ".join(f"{number} {verdict}" for verdict, number in row.verdicts.items())) or _NOTHING


def _missing_verdicts(row: SummaryRow) -> str:
    return (
        ", ".join(f"{number} {status.replace('_', ' ')}" for status, number in row.without_verdict.items()) or _NOTHING
    )


def _estimate(estimate: Estimate | None) -> str:
    if estimate is None:
        return _NOTHING
    if estimate.value is None:
        return escape_markup(f"undefined: {estimate.undefined}")
    interval = "" if estimate.low is None else escape_markup(f" [{estimate.low:.2f}, {estimate.high:.2f}]")
    return f"{estimate.value:.2f}{interval}"
