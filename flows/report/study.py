"""A study's report: `report.html` and `report.md`, made from the run's folder alone."""

from __future__ import annotations

from collections.abc import Sequence

from flows.measures.shapes import Measured
from flows.report.disagreement import ranked
from flows.report.estimates import tables_of
from flows.report.facts import facts_of
from flows.report.gathered import gather
from flows.report.marks import marks_of
from flows.report.page import Study, page
from flows.report.study_markdown import study_markdown
from flows.run_data import RunData
from flows.tables.verdict_row import VerdictRow
from flows.writing import write


def write_report(data: RunData, rows: Sequence[VerdictRow], measured: Measured | None) -> None:
    """Writes both reports into the run's folder; the same folder gives the same bytes."""
    found = gather(data, rows)
    facts = facts_of(data, found)
    study = Study(
        data, found, facts, measured, tables_of(measured), ranked(rows),
        marks_of(rows, data.spec.measures, [name for one in facts.criteria for name in one.verdicts]),
    )  # fmt: skip
    write(data.folder / "report.html", page(study))
    write(data.folder / "report.md", study_markdown(study))
