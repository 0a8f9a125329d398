"""A study's report: `report.html` and `report.md`, made from the run's folder alone."""

from __future__ import annotations

from collections.abc import Sequence

from flows.files.atomic import open_atomic, write_text
from flows.files.lines import LineFile
from flows.files.run_data import RunData
from flows.measures.shapes import Measured
from flows.report.disagreement import ranked
from flows.report.estimates import tables_of
from flows.report.facts import facts_of
from flows.report.gathered import Gathered, gather
from flows.report.marks import marks_of
from flows.report.page import Study, page
from flows.report.study_markdown import study_markdown
from flows.tables.verdict_row import VerdictRow


def write_report(data: RunData, rows: Sequence[VerdictRow], measured: Measured | None) -> None:
    """Writes both reports into the run's folder; the same folder gives the same bytes."""
    with LineFile(data.folder) as lines:
        study = _study(data, gather(data, rows, lines), measured)
        with open_atomic(data.folder / "report.html") as file:
            file.writelines(page(study, lines))
    write_text(data.folder / "report.md", study_markdown(study))


def _study(data: RunData, found: Gathered, measured: Measured | None) -> Study:
    facts = facts_of(data, found)
    verdicts = [name for one in facts.criteria for name in one.verdicts]
    return Study(
        data, found, facts, measured, tables_of(measured), ranked(found.rows),
        marks_of(found.rows, data.spec.measures, verdicts),
    )  # fmt: skip
