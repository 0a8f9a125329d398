"""Console: prints the plan, the answer and the rows left out for a reader at a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich import markup
from rich.console import Console
from rich.padding import Padding
from rich.table import Table

from contract.findings import Citation, CitedAnswer, Claim, Source
from flows.config.folders import display_path
from flows.files.control_characters import escape_controls
from flows.plan.plan import Plan, PlannedCells
from flows.report.answer_markdown import DEMONSTRATION_NOTICE, citation_location, vote_text
from flows.report.support_words import doubt_text, judging_text, labels_text
from flows.report.unverified import UNVERIFIED_HEADING, unverified_lines

if TYPE_CHECKING:
    from flows.plan.pages import PlannedPages
    from flows.storage.rows import Reject

_MAX_REJECTS_SHOWN = 3
_MAX_PAGES_SHOWN = 10


def show_plan(console: Console, plan: Plan) -> None:
    """Prints what will run: steps, models, calls and cost."""
    table = Table(title=f"Plan: {plan.flow}", title_justify="left", box=None, pad_edge=False, header_style="bold")
    for heading in ("step", "agent", "models", "calls", "when"):
        table.add_column(heading)
    for step in plan.steps:
        calls = f"{step.least}" if step.least == step.most else f"{step.least} to {step.most}"
        table.add_row(step.name, step.agent, ", ".join(step.models) or "–", calls, escape_markup(step.condition or ""))
    console.print(table)
    if plan.pages:
        _show_pages(console, plan.pages)
    if plan.forecasts:
        _show_forecasts(console, plan)
        return
    least, most = plan.model_calls
    console.print(f"{least} to {most} model calls; cost: {plan_cost_text(plan)}", highlight=False)
    if most and not plan.demonstration:
        console.print(
            "A reply that does not fit is asked again, at most twice; that is not counted here.", highlight=False
        )
    console.print()


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
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("step", "model"):
        table.add_column(heading)
    for heading in ("kept", "to run", "undecided", "tokens in"):
        table.add_column(heading, justify="right")
    table.add_column("cost")
    table.add_column("why")
    for cells in plan.forecasts:
        why = "; ".join(f"{reason} ({number})" for reason, number in cells.why.items())
        numbers = (f"{number:,}" for number in (cells.kept, cells.to_run, cells.undecided, cells.input_tokens))
        table.add_row(cells.step, cells.model or "–", *numbers, _cells_cost_text(cells), escape_markup(why))
    console.print()
    console.print(table)
    runs, kept = (sum(getattr(cells, name) for cells in plan.forecasts) for name in ("to_run", "kept"))
    at_most = sum(cells.undecided for cells in plan.forecasts)
    more = f", and at most {at_most:,} more that depend on them" if at_most else ""
    console.print(f"\n{plan.records:,} records: {kept:,} cells are kept, {runs:,} will run{more}.", highlight=False)


def _cells_cost_text(cells: PlannedCells) -> str:
    if cells.cost_usd is None:
        return "unknown"
    low, high = cells.cost_usd
    return f"${low:.4f} to ${high:.4f}" if high else "nothing"


def plan_cost_text(plan: Plan) -> str:
    """The largest cost of the plan, in words."""
    if plan.cost_usd is None:
        return "unknown, because a model's price is not known"
    _, most = plan.cost_usd
    return f"at most about ${most:.4f}, less what is kept from earlier runs" if most else "nothing"


def show_rejects(console: Console, rejects: Sequence[Reject], folder: Path) -> None:
    """Prints what was left out of the records or the corpus: how many, the first reasons, and where all of them are."""
    if not rejects:
        return
    noun, were = ("row or file", "was") if len(rejects) == 1 else ("rows or files", "were")
    console.print(f"{len(rejects)} {noun} could not be read and {were} left out:", style="yellow", highlight=False)
    for reject in rejects[:_MAX_REJECTS_SHOWN]:
        displayed = replace(reject, source=display_path(Path(reject.source)))
        console.print(f"  • {escape_markup(str(displayed))}", style="yellow", highlight=False)
    more = f"{len(rejects) - _MAX_REJECTS_SHOWN} more; " if len(rejects) > _MAX_REJECTS_SHOWN else ""
    console.print(f"  {more}all of them: {folder}/rejects.csv", style="yellow", highlight=False, soft_wrap=True)


def escape_markup(text: str) -> str:
    """Escapes a text from any source, so that neither the terminal nor rich takes parts of it as commands."""
    return markup.escape(escape_controls(text))


def show_answer(console: Console, answer: CitedAnswer) -> None:
    """Prints the answer: every sentence, its quotations, and what is not known."""
    console.print(f"\n[bold]{escape_markup(answer.question)}[/bold]\n", highlight=False)
    if answer.abstained:
        console.print(f"[bold]{escape_markup(answer.summary)}[/bold]\n", highlight=False)
    for number, claim in enumerate(answer.claims, start=1):
        console.print(f"{number}. {escape_markup(claim.text)}", highlight=False)
        if doubt := doubt_text(claim):
            console.print(Padding(f"[yellow]{escape_markup(doubt)}[/yellow]", (0, 0, 0, 3)), highlight=False)
        for citation in claim.citations:
            _print_quotation(console, citation)
        for line in unverified_lines(claim):
            console.print(Padding(f"[yellow]{escape_markup(line)}[/yellow]\n", (0, 0, 0, 3)), highlight=False)
    if text := judging_text(answer):
        console.print(f"{escape_markup(text)}\n", highlight=False)
    _print_list(console, "Not answered", [escape_markup(text) for text in answer.unanswered])
    if answer.differences:
        texts = [*map(vote_text, answer.votes)] or [
            f"{len(divergence.positions)} positions" for divergence in answer.differences.divergences
        ]
        topics = [
            escape_markup(f"{divergence.topic}: {text}")
            for divergence, text in zip(answer.differences.divergences, texts, strict=True)
        ]
        labels = labels_text(answer.differences)
        said = f"{answer.differences.conclusion} {labels}" if labels else answer.differences.conclusion
        _print_list(console, f"Differences: {escape_markup(said)}", topics or ["none"])
    _print_list(console, UNVERIFIED_HEADING, [_unverified_text(claim) for claim in answer.dropped])
    heading = "Nearest documents" if answer.abstained else "Found but not used"
    _print_list(console, heading, [_source_text(source) for source in answer.not_used])
    if answer.quality == "demonstration":
        console.print(f"[italic]{DEMONSTRATION_NOTICE}[/italic]", highlight=False)


def _print_quotation(console: Console, citation: Citation) -> None:
    console.print(Padding(f"[green]“{escape_markup(citation.quote)}”[/green]", (0, 0, 0, 3)), highlight=False)
    console.print(
        Padding(f"[dim]— {escape_markup(citation_location(citation))}[/dim]\n", (0, 0, 0, 3)), highlight=False
    )


def _unverified_text(claim: Claim) -> str:
    return "\n    ".join(escape_markup(line) for line in (claim.text, *unverified_lines(claim)))


def _source_text(source: Source) -> str:
    return escape_markup(f"{source.title} ({source.record_id}{f', {source.date}' if source.date else ''})")


def _print_list(console: Console, heading: str, items: list[str]) -> None:
    if items:
        console.print(f"[bold]{heading}[/bold]", highlight=False)
        for item in items:
            console.print(f"  • {item}", highlight=False)
        console.print()
