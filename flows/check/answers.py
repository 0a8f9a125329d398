"""The check of a file of answers: its mistakes, before anything is asked or run."""

from __future__ import annotations

from contract.run import RunSettings
from flows.config.diagnostics import Diagnostics
from flows.config.validate import ValidatedFlow
from flows.gates.answer_file import answer_problems, read_answer_file
from flows.gates.asked_at import questions_of


def check_answers(flow: ValidatedFlow, run: RunSettings, diagnostics: Diagnostics) -> None:
    """Adds the mistakes in the file that `answers=` names to the diagnostics.

    Only whoever starts a run can name it: a study from elsewhere could otherwise answer its own questions.
    """
    if run.answers is None:
        return
    if not diagnostics.provenance.is_typed(("run", "answers")):
        todo = "leave it out there, and write answers=… on the command line"
        diagnostics.add_at(("run", "answers"), "a study cannot answer its own questions", todo=todo)
        return
    asked = questions_of(flow.spec)
    if not asked:
        what = f"the flow '{flow.spec.name}' asks nobody, so there is nothing to answer"
        diagnostics.add_at(("run", "answers"), what, todo="leave answers out")
        return
    file, problems = read_answer_file(run.answers)
    for problem in [*problems, *answer_problems(file, asked)]:
        diagnostics.add(problem.where, problem.what, nearest=problem.nearest, todo=problem.todo)
