"""Console: prints the answer and the rows left out for a reader at a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich import markup
from rich.console import Console
from rich.padding import Padding
from rich.style import Style
from rich.text import Text

from contract.findings import Citation, CitedAnswer, Claim, Source
from flows.files.control_characters import terminal_text
from flows.report.answer_markdown import DEMONSTRATION_NOTICE, citation_location, is_web_address, vote_text
from flows.report.claim_words import only_quotes
from flows.report.document_name import document_name
from flows.report.left_out import left_out_lines
from flows.report.question_words import reading_text
from flows.report.reference_list import REFERENCES_HEADING, reference_lines
from flows.report.support_words import doubt_text, judging_text, labels_text
from flows.report.unverified import UNVERIFIED_HEADING, unverified_lines

if TYPE_CHECKING:
    from flows.storage.rows import Reject


def show_rejects(console: Console, rejects: Sequence[Reject], folder: Path | None = None) -> None:
    """Prints what was left out of the records or the corpus, and where a run's folder has all of it."""
    file = folder / "rejects.csv" if folder else None
    for line in left_out_lines(rejects, file):
        # The file's path is never broken, so that it can be copied.
        is_path = file is not None and line.endswith(str(file))
        console.print(escape_markup(line), style="yellow", highlight=False, soft_wrap=is_path)


def escape_markup(text: str) -> str:
    """Escapes a text from any source, so that neither the terminal nor rich takes parts of it as commands."""
    return markup.escape(terminal_text(text))


def show_answer(console: Console, answer: CitedAnswer, *, notice: bool = True) -> None:
    """Prints the answer: every sentence, its quotations, and what is not known; what may be meant, where it is unclear.

    `notice` says that embedded models answered.
    """
    _print_question(console, answer)
    if answer.abstained and not answer.held_back:
        console.print(f"[bold]{escape_markup(answer.summary)}[/bold]\n", highlight=False)
    for number, claim in enumerate(answer.claims, start=1):
        if only_quotes(claim):
            console.print(f"{number}. [green]“{escape_markup(claim.citations[0].quote)}”[/green]", highlight=False)
        else:
            console.print(f"{number}. {escape_markup(claim.text)}", highlight=False)
        if doubt := doubt_text(claim):
            console.print(Padding(f"[yellow]{escape_markup(doubt)}[/yellow]", (0, 0, 0, 3)), highlight=False)
        for citation in claim.citations:
            place = citation_location(citation, answer)
            _print_quotation(console, citation, place, place_only=only_quotes(claim))
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
    _print_list(console, REFERENCES_HEADING, [escape_markup(line) for line in reference_lines(answer)])
    heading = "Nearest documents" if answer.abstained else "Found but not used"
    _print_list(console, heading, [_source_text(source) for source in answer.not_used])
    if notice and answer.quality == "demonstration":
        console.print(f"[italic]{DEMONSTRATION_NOTICE}[/italic]", highlight=False)


def _print_question(console: Console, answer: CitedAnswer) -> None:
    console.print(f"\n[bold]{escape_markup(answer.question)}[/bold]\n", highlight=False)
    if text := reading_text(answer):
        console.print(f"[yellow]{escape_markup(text)}[/yellow]\n", highlight=False)
    for number, title in enumerate(answer.candidates, start=1):
        console.print(f"{number}. {escape_markup(title)}", highlight=False)


def _print_quotation(console: Console, citation: Citation, place: str, *, place_only: bool) -> None:
    if not place_only:
        console.print(Padding(f"[green]“{escape_markup(citation.quote)}”[/green]", (0, 0, 0, 3)), highlight=False)
    line = Text.assemble("— ", _linked(place, citation.uri), "\n", style="dim")
    console.print(Padding(line, (0, 0, 0, 3)), highlight=False)


def _unverified_text(claim: Claim) -> str:
    return "\n    ".join(escape_markup(line) for line in (claim.text, *unverified_lines(claim)))


def _source_text(source: Source) -> Text:
    return _linked(document_name(source.title, source.record_id, source.date), source.uri)


def _linked(text: str, uri: str | None) -> Text:
    """A text that opens its document in a terminal that knows hyperlinks (OSC 8); the same words anywhere else."""
    return Text(terminal_text(text), style=Style(link=uri) if is_web_address(uri) else "")


def _print_list(console: Console, heading: str, items: Sequence[str | Text]) -> None:
    if items:
        console.print(f"[bold]{heading}[/bold]", highlight=False)
        for item in items:
            text = Text.from_markup(item) if isinstance(item, str) else item
            console.print(Padding(Text.assemble("• ", text), (0, 0, 0, 2)), highlight=False)
        console.print()
