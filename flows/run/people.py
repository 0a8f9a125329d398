"""People in a run: where their answers come from, and what is left behind for those who have not answered yet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.prompting.criteria import Criteria
from contract.errors import StudyError
from contract.questions import Answer, Question
from contract.record import Record
from flows.accounting.audit import AuditTrail, audit_path
from flows.gates.answer_file import AnswerFile, read_answer_file, record_problems
from flows.gates.asked_at import questions_of
from flows.gates.desk import Desk, Terminal
from flows.gates.kept_answers import KeptAnswers
from flows.gates.waiting_file import questions_wait, waiting_path, write_waiting
from flows.results.open import result_store
from flows.run_folder.outcome import Outcome
from flows.server.current_flow_run import current_flow_run, current_flow_run_id
from flows.spec.study import Study

_NAMED = 5
"""Answers that a note names."""


@dataclass(frozen=True)
class People:
    """How a run can reach people."""

    terminal: Terminal | None = None
    shows_forms: bool = True
    """Whether there is a page at which a form can be filled in."""
    resume: Callable[[Path], str] | None = None
    """The file of answers -> the command that goes on; None where no command started the run."""


def open_desk(study: Study, people: People, records: Sequence[Record]) -> Desk:
    """The desk of a run. Raises StudyError for answers to records that the run does not take."""
    file = _answers(study, records)
    now = study.run.ask == "now"
    return Desk(
        kept=KeptAnswers(result_store(study.run.results)),
        file=file,
        terminal=people.terminal if now else None,
        on_answer=_audit(study),
        allowed={name: one.allowed for name, one in questions_of(study.flow, Criteria(study.folders)).items()},
        # A run of a deployment is suspended when all else is done, which needs no process.
        shows_forms=people.shows_forms and now and not _is_deployed(),
    )


def unused_note(desk: Desk) -> str | None:
    """A note on answers in the file to which no question came; None where there are none."""
    unused = desk.file.unused() if desk.file else []
    if not unused:
        return None
    places = ", ".join(one.where for one in unused[:_NAMED]) + (" …" if len(unused) > _NAMED else "")
    why = "what is shown has changed, or it is not asked"
    fit = "1 answer in the file fits" if len(unused) == 1 else f"{len(unused)} answers in the file fit"
    return f"{fit} no question of this run ({why}): {places}"


def replaced_note(desk: Desk) -> str | None:
    """A note on answers in the file that say otherwise than what was answered before; None where there are none.

    A file that lies there since an earlier run could otherwise take back what somebody has decided after it.
    """
    if not desk.replaced:
        return None
    number = len(desk.replaced)
    places = [
        f"'{one.gate}', record {one.record_id} (before: {before.decision}{f' by {before.by}' if before.by else ''})"
        for one, before in list(desk.replaced.values())[:_NAMED]
    ]
    more = f" and {number - _NAMED:,} more" if number > _NAMED else ""
    return f"the file answers otherwise than before, and counts now: {', '.join(places)}{more}"


def form_note(questions: Sequence[Question], seconds: float) -> str:
    """That a form is waited for, and for how long."""
    waits = questions_wait(questions)
    return f"{waits} up to {seconds:,.0f} s for a form at the server's page; with run.ask=later a run waits for none"


@dataclass
class WaitingFile:
    """What waits, in the folder of a run: written as soon as somebody is waited for, and once more at the end."""

    folder: Path
    people: People
    results: str | None
    """Where answers are kept, as the study names it."""
    _written: tuple[Path, str] | None = None

    def write(self, questions: Sequence[Question]) -> None:
        """Writes the open questions. A file that a person has begun to fill in is left as it is."""
        if self._written and self._written[0].is_file():
            path, text = self._written
            if path.read_text(encoding="utf-8") != text:
                return
            path.unlink()
        if questions:
            command = resume_command(waiting_path(self.folder, questions), self.people)
            path = write_waiting(self.folder, questions, command, self.results)
            self._written = path, path.read_text(encoding="utf-8")

    def leave(self, outcome: Outcome, questions: Sequence[Question]) -> None:
        """Leaves behind what still waits when the run ends."""
        self.write(questions)
        if questions:
            outcome.waiting = list(questions)
            outcome.waiting_file = self._written[0] if self._written else None


def resume_command(path: Path, people: People) -> str:
    """The command that goes on when the file is filled in."""
    return people.resume(path) if people.resume else f"the same run again, with answers={path}"


def can_be_suspended() -> bool:
    """Whether the current run can wait without a process: Prefect suspends only the top run of a deployment."""
    run = current_flow_run()
    return run is not None and run.deployment_id is not None and run.parent_task_run_id is None


def _is_deployed() -> bool:
    run = current_flow_run()
    return run is not None and run.deployment_id is not None


def _answers(study: Study, records: Sequence[Record]) -> AnswerFile | None:
    if study.run.answers is None or not questions_of(study.flow):
        return None
    file, problems = read_answer_file(study.run.answers)
    # A shard sees only its own records.
    if study.run.shard is None:
        problems += record_problems(file, [record.record_id for record in records])
    if problems:
        raise StudyError(problems)
    return file


def _audit(study: Study) -> Callable[[Question, Answer], None]:
    trail, run = AuditTrail(audit_path(study.run.audit)), current_flow_run_id()

    def write(question: Question, answer: Answer) -> None:
        trail.add("question answered", flow_run_id=str(run) if run else None, **audit_fields(question, answer))

    return write


def audit_fields(question: Question, answer: Answer) -> dict[str, Any]:
    """What the audit trail holds of an answer: no text of a record."""
    return {
        "flow": question.flow, "gate": question.gate, "record": question.record_id, "question": question.key,
        "decision": answer.decision, "by": answer.by, "at": answer.at.isoformat(), "via": answer.via,
        "why": answer.comment[:300],
    }  # fmt: skip
