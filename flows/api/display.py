"""What a notebook shows: plans, mistakes, answers and findings as HTML, and the report in a frame of its own.

Every text in it comes from records, models or files, so all of it is escaped.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contract.errors import Problem
from contract.findings import CitedAnswer
from flows.files.control_characters import terminal_text
from flows.plan.plan import Plan
from flows.report.answer_markdown import DEMONSTRATION_NOTICE, citation_location
from flows.report.demonstration import DEMONSTRATION_VERDICTS
from flows.report.left_out import left_out_lines
from flows.report.notes_section import NOTES_HEADING
from flows.report.reference_list import REFERENCES_HEADING, reference_lines

if TYPE_CHECKING:
    import pandas as pd

    from flows.storage.rows import Reject

_SHOWN_MEASURES = ("accuracy", "cohen_kappa", "krippendorff_alpha")


@dataclass(frozen=True)
class ProblemsView(Sequence[Problem]):
    """The mistakes of a study; empty, and so false, when there is none."""

    flow: str
    problems: tuple[Problem, ...]
    notices: tuple[str, ...] = ()
    preview: tuple[str, ...] = ()
    """How the first records are read, line by line."""
    left_out: str = ""
    """How many rows are left out, as the end of a sentence, where they are most."""

    def __len__(self) -> int:
        return len(self.problems)

    def __getitem__(self, index: int) -> Problem:  # type: ignore[reportIncompatibleMethodOverride]
        return self.problems[index]

    def __str__(self) -> str:
        found = "\n".join(map(str, self.problems)) or f"{self.flow}: no mistakes found{self.left_out}"
        preview = (f"{self.flow} reads its records so:", *self.preview) if self.preview else ()
        return "\n".join([found, *(f"note: {notice}" for notice in self.notices), *preview])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return f"<pre>{_safe(str(self))}</pre>"


@dataclass(frozen=True)
class PlanView:
    """A plan that a notebook shows as a table; `plan` is the plan itself."""

    plan: Plan

    def __str__(self) -> str:
        return self._text()

    __repr__ = __str__

    def _text(self) -> str:
        from io import StringIO

        from rich.console import Console

        from flows.cli.plan_text import show_plan

        # In a notebook, rich would show the plan itself instead of writing it, or write colours for a terminal.
        console = Console(file=(out := StringIO()), width=120, force_jupyter=False, force_terminal=False)
        show_plan(console, self.plan)
        return out.getvalue().rstrip()

    def _repr_html_(self) -> str:
        return f"<pre>{_safe(self._text())}</pre>"


@dataclass(frozen=True)
class ReportFrame:
    """A report, shown in a frame without access to the page around it or to the network."""

    path: Path
    height: int

    def _repr_html_(self) -> str:
        if not self.path.is_file():
            return "<p>This run has no report.</p>"
        page = escape(self.path.read_text(encoding="utf-8"), quote=True)
        return f'<iframe sandbox="allow-scripts" width="100%" height="{self.height}" srcdoc="{page}"></iframe>'


def answer_html(answer: CitedAnswer) -> str:
    """A cited answer: each sentence with its quotations and where they stand."""
    return "\n".join(_answer_parts(answer))


def _answer_parts(answer: CitedAnswer) -> Iterator[str]:
    yield f"<h4>{_safe(answer.question)}</h4>"
    if answer.abstained:
        yield f"<p><b>{_safe(answer.summary)}</b></p>"
    yield "<ol>"
    for claim in answer.claims:
        yield f"<li>{_safe(claim.text)}"
        for citation in claim.citations:
            where = _safe(citation_location(citation, answer))
            yield f"<blockquote>“{_safe(citation.quote)}”<br><small>{where}</small></blockquote>"
        yield "</li>"
    yield "</ol>"
    if lines := reference_lines(answer):
        yield f"<h5>{REFERENCES_HEADING}</h5><ul>{''.join(f'<li>{_safe(line)}</li>' for line in lines)}</ul>"
    if answer.quality == "demonstration":
        yield f"<p><i>{DEMONSTRATION_NOTICE}</i></p>"


def left_out_html(rejects: Sequence[Reject], file: Path) -> str:
    """What was left out of the records, as the command line says it; empty when nothing was."""
    lines = list(left_out_lines(rejects, file))
    return f"<pre>{_safe(chr(10).join(lines))}</pre>" if lines else ""


def notes_html(notes: Sequence[str]) -> str:
    """What the run said of itself; empty when it said nothing."""
    return f"<h5>{NOTES_HEADING}</h5><ul>{''.join(f'<li>{_safe(note)}</li>' for note in notes)}</ul>" if notes else ""


def finding_html(measures: pd.DataFrame, counts: pd.DataFrame, *, demonstration: bool = False) -> str:
    """What a study found: how often each model gave each verdict, and the main measures."""
    if counts.empty:
        return "<p>This run made no verdicts.</p>"
    shown = _table(counts)
    if demonstration:
        shown += f"<p><i>{escape(DEMONSTRATION_VERDICTS)}</i></p>"
    if measures.empty:
        return shown
    is_main = measures["measure"].isin(_SHOWN_MEASURES) & measures["by"].isna() & measures["value"].notna()
    main = measures.loc[is_main, ["criteria", "raters", "measure", "value", "low", "high", "records"]]
    return shown if main.empty else shown + _table(main)


def _table(frame: pd.DataFrame) -> str:
    def shown(value: Any) -> Any:
        return _visible(value) if isinstance(value, str) else value

    texts = frame.map(shown)
    return texts.to_html(index=False, escape=True, border=0, na_rep="–", float_format="{:.2f}".format)


def _safe(text: str) -> str:
    return escape(_visible(text))


def _visible(text: str) -> str:
    """The text, with signs for what a page would obey: control characters, and marks that turn the direction."""
    return terminal_text(text)
