"""Renders the report as one HTML file that needs no other file and may fetch nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from jinja2 import Environment
from markupsafe import Markup

from flows.files.lines import LineFile
from flows.files.run_data import RunData
from flows.measures.results import MeasureResults
from flows.report.disagreement import Disagreement, are_graded
from flows.report.estimates import (
    PEOPLE_KINDS,
    EstimateTable,
    confusion_matrices,
    explain_measures,
    format_interval,
    rate_matrices,
)
from flows.report.facts import Facts
from flows.report.methods import count_missing_verdicts, methods_paragraph, missing_verdicts_warning
from flows.report.notes_section import NOTES_HEADING, notes_of
from flows.report.page_markup import bdi, content_security_policy, page_environment, page_file_text, trusted_markup
from flows.report.people import MAX_LISTED, People
from flows.report.plots import draw_plots
from flows.report.report_data import ReportData
from flows.report.summary import summarise
from flows.report.verdict_marks import VerdictMark
from flows.report.verdict_matrix import VerdictMatrix
from flows.report.words import STATUS_LABELS, display_text, format_decimal, percent, pluralised

SCRIPTS = ("core.js", "matrix.js", "panel.js", "correct.js", "start.js")
"""Files of the page's one script, in their order."""
MAX_RANKED = 20


@dataclass
class MaskedTexts:
    """Texts of records that are left out of the page's body until the reader asks for them."""

    is_enabled: bool
    texts: list[str] = field(default_factory=list[str])

    def mask(self, text: str) -> Markup:
        """The text, isolated; if masking is enabled, a place where the script puts it when the reader asks for it."""
        if not self.is_enabled:
            return bdi(text)
        self.texts.append(display_text(text))
        return Markup('<span class="veil" data-veil="{}">text masked</span>').format(len(self.texts) - 1)


@dataclass(frozen=True)
class ReportInputs:
    """The data, facts and tables from which a report is written."""

    data: RunData
    report_data: ReportData
    facts: Facts
    measured: MeasureResults | None
    tables: Sequence[EstimateTable]
    disagreements: Sequence[Disagreement]
    marks: dict[str, VerdictMark]
    people: People


def render_page(inputs: ReportInputs, lines: LineFile) -> Iterator[str]:
    """The HTML of a study's report, part by part; large parts are stored in `lines` until they are written."""
    masked_texts = MaskedTexts(bool(inputs.facts.warning))
    environment = _environment(masked_texts)
    style, script = page_file_text("report.css"), script_text()
    matrix = VerdictMatrix(
        inputs.report_data, inputs.data.spec, inputs.marks, inputs.facts.titles, inputs.facts.answers
    )
    chunks = list(matrix.write_chunks(lines))
    record_indexes = {name: place for place, name in enumerate(inputs.report_data.record_ids)}
    general = [table for table in inputs.tables if table.kind not in PEOPLE_KINDS]
    of_people = [table for table in inputs.tables if table.kind in PEOPLE_KINDS]
    body = environment.get_template("body.html.jinja").render(
        facts=inputs.facts, summary=summarise(inputs.facts, inputs.measured),
        holes=missing_verdicts_warning(inputs.facts), incomplete=count_missing_verdicts(inputs.facts) > 0,
        methods=methods_paragraph(inputs.facts, inputs.data.spec.measures, inputs.measured), tables=general,
        plots=[draw_plots(table, inputs.facts.titles) for table in general],
        confusions=[confusion_matrices(table, list(inputs.marks)) for table in general],
        people=inputs.people, people_tables=of_people, listed=MAX_LISTED,
        people_plots=[[] if table.by else draw_plots(table, inputs.facts.titles) for table in of_people],
        people_confusions=[[] for _ in of_people],
        people_rates=[rate_matrices(table, list(inputs.marks)) for table in of_people],
        explained=explain_measures(inputs.tables), measured=inputs.measured, parted=len(inputs.disagreements),
        partings=inputs.disagreements[:MAX_RANKED], graded=are_graded(inputs.disagreements),
        numbers=record_indexes, marks=inputs.marks, found=inputs.report_data, STATES=STATUS_LABELS,
        notes=notes_of(inputs.data.manifest), notes_heading=NOTES_HEADING,
    )  # fmt: skip
    # The body is rendered first: the index holds all masked texts, which are known only then.
    index = trusted_markup(matrix.index([first for first, _ in chunks], masked_texts.texts))
    yield from environment.get_template("report.html.jinja").generate(
        facts=inputs.facts, body=trusted_markup(body), index=index,
        pieces=(trusted_markup(lines.read(offset)) for _, offset in chunks),
        policy=content_security_policy(style, script), style=trusted_markup(style), script=trusted_markup(script),
    )  # fmt: skip


def _environment(masked_texts: MaskedTexts) -> Environment:
    environment = page_environment()
    filters: dict[str, Any] = {
        "bdi": bdi, "decimal": format_decimal, "interval": format_interval, "veiled": masked_texts.mask,
        "plotted": trusted_markup, "grouped": _with_thousands_separator, "percent": percent, "counted": pluralised,
    }  # fmt: skip
    for name, change in filters.items():
        environment.filters[name] = change
    return environment


def _with_thousands_separator(number: int) -> str:
    return f"{number:,}"


def script_text() -> str:
    """The page's script."""
    return '"use strict";\n(() => {\n' + "\n".join(page_file_text(name) for name in SCRIPTS) + "})();\n"
