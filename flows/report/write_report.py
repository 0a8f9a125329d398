"""Writes a study's report, `report.html` and `report.md`, from the run's folder alone."""

from __future__ import annotations

from collections.abc import Sequence

from flows.files.atomic import open_atomic, write_text
from flows.files.lines import LineFile
from flows.files.run_data import RunData
from flows.measures.results import MeasureResults
from flows.report.build_facts import build_facts
from flows.report.disagreement import rank_disagreements
from flows.report.estimates import estimate_tables
from flows.report.page import ReportInputs, render_page
from flows.report.people import collect_people
from flows.report.report_data import ReportData, collect_report_data
from flows.report.study_markdown import study_markdown
from flows.report.summary import Summary, summarise
from flows.report.verdict_marks import verdict_marks
from flows.tables.verdict_row import VerdictRow


def write_report(data: RunData, rows: Sequence[VerdictRow], measured: MeasureResults | None) -> Summary:
    """Writes both reports into the run's folder, the same folder gives the same bytes; returns what they begin with."""
    with LineFile(data.folder) as lines:
        inputs = _report_inputs(data, collect_report_data(data, rows, lines), measured)
        with open_atomic(data.folder / "report.html") as file:
            file.writelines(render_page(inputs, lines))
    write_text(data.folder / "report.md", study_markdown(inputs))
    return summarise(inputs.facts, measured)


def _report_inputs(data: RunData, report_data: ReportData, measured: MeasureResults | None) -> ReportInputs:
    facts = build_facts(data, report_data)
    verdicts = [name for one in facts.criteria for name in one.verdicts]
    verdicts += [name for one in facts.criteria for variable in one.variables for name in variable.answers]
    return ReportInputs(
        data, report_data, facts, measured, estimate_tables(measured), rank_disagreements(report_data.rows),
        verdict_marks(report_data.rows, data.spec.measures, verdicts),
        collect_people(report_data.rows),
    )  # fmt: skip
