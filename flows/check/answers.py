"""The check of a file of answers: its mistakes, before anything is asked or run."""

from __future__ import annotations

from dataclasses import dataclass, field

from agents.prompting.criteria import Criteria
from contract.record import Record
from contract.run import RunSettings
from flows.check.preview import Preview
from flows.config.diagnostics import Diagnostics
from flows.config.validate import ValidatedFlow
from flows.gates.answer_file import (
    AnswerFile,
    answer_problems,
    key_form_problems,
    read_answer_file,
    record_problems,
)
from flows.gates.asked_at import questions_of
from flows.gates.known_keys import check_keys


@dataclass
class AnsweredRecords:
    """Looks at the records of the flow for those that a file answers to."""

    file: AnswerFile
    _records: list[str] = field(default_factory=list[str])

    def add(self, record: Record) -> None:
        """Looks at one record."""
        self._records.append(record.record_id)

    def report(self, preview: Preview, diagnostics: Diagnostics) -> None:
        """Reports answers to records that there are none of; a run reports them where not all records were read."""
        for problem in () if preview.more else record_problems(self.file, self._records):
            diagnostics.add_problem(problem)


def check_answers(
    flow: ValidatedFlow, run: RunSettings, criteria: Criteria, diagnostics: Diagnostics
) -> AnsweredRecords | None:
    """Adds the mistakes in the file that `answers=` names to the diagnostics; returns the check of its records.

    Only whoever starts a run can name it: a study from elsewhere could otherwise answer its own questions.
    """
    if run.answers is None:
        return None
    if not diagnostics.provenance.is_typed(("run", "answers")):
        todo = "leave it out there, and write answers=… on the command line"
        diagnostics.add_at(("run", "answers"), "a study cannot answer its own questions", todo=todo)
        return None
    asked = questions_of(flow.spec, criteria)
    if not asked:
        what = f"the flow '{flow.spec.name}' asks nobody, so there is nothing to answer"
        diagnostics.add_at(("run", "answers"), what, todo="leave answers out")
        return None
    file, problems = read_answer_file(run.answers)
    for problem in [*problems, *answer_problems(file, asked), *key_form_problems(file)]:
        diagnostics.add_problem(problem)
    mistaken, notes = check_keys(file, flow.spec.name, run)
    for problem in mistaken:
        diagnostics.add_problem(problem)
    for note in notes:
        diagnostics.add_result_notice(note)
    return AnsweredRecords(file)
