"""Prints a plan: what will run in a scholar's words, how many calls it takes, and what it can cost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from flows.cli.console import escape_markup, show_rejects
from flows.files.control_characters import terminal_text
from flows.plan.plan import Plan, PlannedCells
from flows.plan.planned_steps import PlannedLoop, PlannedStep
from flows.report.words import pluralised
from flows.spec.condition_words import condition_words

if TYPE_CHECKING:
    from flows.plan.pages import PlannedPages

_MAX_PAGES_SHOWN = 10
_UNBOUNDED = 10_000
_COUNTS = ("kept", "to run", "undecided", "tokens in")
_NOT_COUNTED = "A reply that does not fit is asked again, at most twice; that is not counted here."


def show_plan(console: Console, plan: Plan) -> None:
    """Prints what will run: steps, models, calls and cost. Text that has no place goes on in the next line."""
    console.print(f"[bold]Plan: {escape_markup(plan.flow)}[/bold]", highlight=False)
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("step", overflow="fold")
    table.add_column("calls", no_wrap=True, justify="right")
    table.add_column("what it does", overflow="fold")
    before: tuple[PlannedLoop, ...] = ()
    for step in plan.steps:
        for depth, loop in enumerate(step.loops):
            if loop not in before:
                table.add_row(_indented(loop.name, depth), "", _loop_words(loop))
        before = step.loops
        table.add_row(_indented(step.name, len(step.loops)), _range_text(step.least, step.most), _step_words(step))
    console.print(table)
    show_rejects(console, plan.left_out)
    if plan.pages:
        _show_pages(console, plan.pages)
    if plan.forecasts:
        _show_forecasts(console, plan)
        return
    least, most = plan.model_calls
    noun = "call" if most == 1 else "calls"
    console.print(f"\n{_range_text(least, most)} model {noun}; cost: {plan_cost_text(plan)}", highlight=False)
    if most and not plan.demonstration:
        console.print(_NOT_COUNTED, highlight=False)
    console.print()


def _indented(name: str, depth: int) -> Text:
    return Text(f"{'  ' * depth}{terminal_text(name)}")


def _range_text(least: int, most: int) -> str:
    return f"{least:,}" if least == most else f"{least:,} to {most:,}"


def _loop_words(loop: PlannedLoop) -> Text:
    until = f", until {condition_words(loop.until)}" if loop.until and not loop.description else ""
    rounds = "one round" if loop.max_rounds == 1 else f"at most {loop.max_rounds} rounds"
    seconds = f", in at most {loop.max_seconds:g} seconds of work" if loop.max_seconds else ""
    sentence = f"{rounds}{seconds}{until}:"
    return Text(terminal_text(f"{_sentence(loop.description)} {sentence[:1].upper()}{sentence[1:]}".strip()))


def _step_words(step: PlannedStep) -> Text:
    return Text(terminal_text(" ".join(_step_sentences(step))))


def _step_sentences(step: PlannedStep) -> Iterator[str]:
    yield _sentence(step.description) or f"{step.agent.replace('_', ' ').capitalize()}."
    if step.documents:
        yield f"Only in documents where {step.documents}."
    if step.models:
        yield f"Asks {', '.join(step.models)}."
    if step.condition:
        yield f"Only if {condition_words(step.condition)}."


def _sentence(text: str) -> str:
    words = " ".join(text.split())
    return words if not words or words.endswith((".", "!", "?", ":")) else f"{words}."


def _show_pages(console: Console, pages: PlannedPages) -> None:
    """Prints which pages of the web are fetched before the first cell runs."""
    count = len(pages.to_fetch)
    kept = f"; {pages.kept:,} more are kept from earlier runs" if pages.kept else ""
    fetched = f"{count:,} page{'' if count == 1 else 's'} of the web will be fetched" if count else "No page is fetched"
    console.print(f"{fetched}{kept}.", highlight=False)
    for url in pages.to_fetch[:_MAX_PAGES_SHOWN]:
        console.print(f"  • {escape_markup(url)}", highlight=False, soft_wrap=True)
    if count > _MAX_PAGES_SHOWN:
        console.print(f"  and {count - _MAX_PAGES_SHOWN:,} more; `plan --json` names all", highlight=False)


def _show_forecasts(console: Console, plan: Plan) -> None:
    """Prints which cells are kept, which will run and why, and what they can cost."""
    console.print()
    table = _forecast_table(plan.forecasts)
    if console.measure(table, options=console.options.update(width=_UNBOUNDED)).maximum <= console.width:
        console.print(table)
    else:
        for cells in plan.forecasts:
            _show_forecast(console, cells)
    for note in plan.version_notes:
        console.print(f"note: {escape_markup(note)}", highlight=False)
    runs, kept = (sum(getattr(cells, name) for cells in plan.forecasts) for name in ("to_run", "kept"))
    at_most = sum(cells.undecided for cells in plan.forecasts)
    more = f", and at most {at_most:,} more that depend on them" if at_most else ""
    cost = f"; cost: {_counted_cost_text(plan.cost_usd)}" if plan.is_counted and plan.model_calls[1] else ""
    records, cells = pluralised(plan.records, "record"), pluralised(kept, "cell is", "cells are")
    console.print(f"\n{records}: {cells} kept, {runs:,} will run{more}{cost}.", highlight=False)
    if runs + at_most and plan.model_calls[1] and not plan.demonstration:
        console.print(_NOT_COUNTED, highlight=False)


def _forecast_table(forecasts: Sequence[PlannedCells]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("step", "model"):
        table.add_column(heading)
    for heading in _COUNTS:
        table.add_column(heading, justify="right")
    for heading in ("cost", "why"):
        table.add_column(heading)
    for cells in forecasts:
        name = (escape_markup(cells.step), escape_markup(cells.model or "–"))
        table.add_row(*name, *_forecast_counts(cells), _cells_cost_text(cells), escape_markup(_why_text(cells)))
    return table


def _show_forecast(console: Console, cells: PlannedCells) -> None:
    """Prints one row of the table that is wider than the terminal, so that no name breaks within words."""
    name = ", ".join(one for one in (cells.step, cells.model) if one)
    console.print(f"[bold]{escape_markup(name)}[/bold]", highlight=False)
    counts = (f"{number} {heading}" for heading, number in zip(_COUNTS, _forecast_counts(cells), strict=True))
    block = [f"{', '.join(counts)}; cost: {_cells_cost_text(cells)}", *filter(None, [_why_text(cells)])]
    for line in block:
        console.print(Padding(escape_markup(line), (0, 0, 0, 2)), highlight=False)


def _forecast_counts(cells: PlannedCells) -> list[str]:
    return [f"{number:,}" for number in (cells.kept, cells.to_run, cells.undecided, cells.input_tokens)]


def _why_text(cells: PlannedCells) -> str:
    return "; ".join(f"{reason} ({number})" for reason, number in cells.why.items())


def _cells_cost_text(cells: PlannedCells) -> str:
    return _counted_cost_text(cells.cost_usd)


def _counted_cost_text(cost_usd: tuple[Decimal, Decimal] | None) -> str:
    if cost_usd is None:
        return "unknown"
    low, high = cost_usd
    return f"${low:.4f} to ${high:.4f}" if high else "nothing"


def plan_cost_text(plan: Plan) -> str:
    """The largest cost of the plan, in words."""
    if plan.cost_usd is None:
        return "unknown, because a model's price is not known"
    _, most = plan.cost_usd
    if not most:
        return "nothing"
    return f"by a rule of thumb at most about ${most:.4f}, less what is kept from earlier runs"
