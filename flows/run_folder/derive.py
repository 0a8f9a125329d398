"""Makes the tables, measures and report of a run from its folder alone, so that any reader can make them again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from contract.measures import Measures
from flows.files.run_data import RunData
from flows.measures.results import MeasureResults
from flows.tables.verdict_row import VerdictRow

if TYPE_CHECKING:
    from contract.messages import AgentTrace
    from flows.report.summary import Summary
    from flows.tables.scores import ScoreRow
    from flows.tables.verdicts import Verdicts

SUBPROCESS_MIN_BYTES = 10_000_000
"""From this many bytes of cells, a second process saves more time than its start takes."""


@dataclass(frozen=True)
class Derived:
    """What was derived, for the parts of the program that show it."""

    data: RunData
    rows: Sequence[VerdictRow] = ()
    measured: MeasureResults | None = None
    summary: Summary | None = None
    """What the report begins with."""


def derive(folder: Path) -> Derived:
    """Writes every table of the run, and for a study its measures and its report.

    The same folder gives the same bytes. Raises RunError when the folder holds no finished run.
    """
    from flows.report.answer_page import AnswerPage
    from flows.report.notes_section import notes_of
    from flows.run_folder.columns import write_columns
    from flows.tables.cells import write_cells

    data = RunData.open(folder)
    if data.spec.measures:
        derived = _derive_study(data, data.spec.measures)
    else:
        page = AnswerPage(data.folder, notes_of(data.manifest))
        write_cells(data, page.add)
        page.write()
        derived = Derived(data)
    write_columns(data)
    return derived


def _derive_study(data: RunData, spec: Measures) -> Derived:
    from flows.tables.cells import write_cells
    from flows.tables.cells_subprocess import write_cells_in_subprocess
    from flows.tables.scores import ScoreCollector
    from flows.tables.verdicts import VerdictCollector

    reader, scores = VerdictCollector(data.spec, spec, data.manifest), ScoreCollector(data.spec)

    def add(trace: AgentTrace) -> None:
        reader.add(trace)
        scores.add(trace)

    if data.size >= SUBPROCESS_MIN_BYTES:
        with write_cells_in_subprocess(data.folder):
            for trace in data.traces():
                add(trace)
            return _write_study(data, spec, reader.verdicts(), scores.rows)
    # To read a cell back costs more than to make tables of it, so each cell is read once.
    write_cells(data, add)
    return _write_study(data, spec, reader.verdicts(), scores.rows)


def _write_study(data: RunData, spec: Measures, verdicts: Verdicts, scores: Sequence[ScoreRow]) -> Derived:
    from flows.measures.compute import compute_measures
    from flows.measures.reasons import reason_comparisons
    from flows.measures.write import write_measures
    from flows.report.write_report import write_report
    from flows.tables.coded_variables import variables_in_run, without_words
    from flows.tables.judges import Judges
    from flows.tables.verdicts import write_verdicts

    write_verdicts(data.folder, verdicts.rows, verdicts.truths)
    variables = variables_in_run(data.spec, spec, data.manifest)
    measured = compute_measures(verdicts.rows, spec, Judges.of_run(data.manifest), variables)
    measured = replace(measured, comparisons=(*measured.comparisons, *reason_comparisons(scores, spec)))
    write_measures(data.folder, measured)
    rows = without_words(verdicts.rows, variables)
    summary = write_report(data, rows, measured)
    return Derived(data, rows, measured, summary)
