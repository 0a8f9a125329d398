"""The verb `code`: a page for each person who codes, tables of their answers, and what they agree on."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from contract.errors import Problem, StudyError
from flows.cli.code_answers import print_lost_lines, read_coded_answers
from flows.cli.code_begin import prepared_folder
from flows.cli.code_mistakes import word_mistakes
from flows.cli.code_server import adjudicate, correct, serve_coders
from flows.cli.code_words import CodeCommand, existing_folder, read_coding
from flows.config.diagnostics import closest_name, there_are
from flows.files.control_characters import terminal_text
from flows.server.command_name import command_text

if TYPE_CHECKING:
    from flows.coding.import_answers import ReadAnswer
    from flows.coding.task import CodingTask, DrawnRecord


def code_command(words: Sequence[str], config_dir: Path | None, flow: str | None) -> int:
    """Does what the words say. Returns the exit code."""
    command = CodeCommand.parse(words, config_dir, flow)
    if problems := word_mistakes(command):
        raise StudyError(problems)
    if not command.action:
        return serve_coders(command)
    if command.action == "correct":
        return correct(command)
    # Who codes in a workbook alone begins with it.
    begins = command.action == "export" and command.says_what_is_coded
    folder = prepared_folder(command) if begins else existing_folder(command)
    return {"adjudicate": adjudicate, "export": _export, "import": _import, "status": _status}[command.action](
        command, folder
    )


def _export(command: CodeCommand, folder: Path) -> int:
    from flows.coding.answer_table import write_answer_table
    from flows.coding.workbook import write_workbook

    task, records = read_coding(folder)
    answers = read_coded_answers(folder, records)
    path = Path(command.files[0]).expanduser() if command.files else folder / "answers.csv"
    if path.suffix.lower() == ".xlsx":
        for note in write_workbook(path, task, records, answers):
            print(f"note: {note}", file=sys.stderr)
        then = command_text("code import", str(path))
        print(f"{path}: a sheet for {', '.join(task.coders)}; fill in the yellow cells, then: {then}")
        return 0
    rows = write_answer_table(path, task, records, answers)
    print(f"{path}: {rows} rows, one for each record, criterion and coder")
    return 0


def _import(command: CodeCommand, folder: Path) -> int:
    from flows.coding.answer_log import AnswerLog
    from flows.coding.import_answers import AnswerImport
    from flows.report.words import pluralised

    task, records = read_coding(folder)
    # All files are read before any answer is taken, so that a command with a mistake changes nothing.
    read = _read_files(command, task, records)
    refused = 0
    with AnswerLog(folder) as log:
        print_lost_lines(log.answers, log.path, records)
        for path, answers in read.items():
            done = AnswerImport(task, records, log, path.name).take(answers)
            for reason in done.refused:
                print(f"refused: {terminal_text(reason)}", file=sys.stderr)
            refused += len(done.refused)
            print(
                f"{path}: {pluralised(len(done.added), 'answer')} added, {done.unchanged:,} known already, "
                f"{pluralised(done.unanswered, 'row')} without a verdict, {len(done.refused):,} refused"
            )
    return 1 if refused else 0


def _read_files(
    command: CodeCommand, task: CodingTask, records: Sequence[DrawnRecord]
) -> Mapping[Path, Sequence[ReadAnswer]]:
    """The answers in each file. Raises StudyError with what is wrong in all of them."""
    from flows.coding.answer_files import read_answer_file

    known, criteria = [one.name for one in task.criteria], command.listed("criteria")
    problems = [
        Problem(
            f"command line: criteria={name}", "this criterion is not coded here", closest_name(name, known),
            there_are(known),
        )
        for name in criteria if name not in known
    ]  # fmt: skip
    criteria = [name for name in criteria if name in known]
    found: dict[Path, Sequence[ReadAnswer]] = {}
    for path in (Path(name).expanduser() for name in command.files):
        try:
            found[path] = list(read_answer_file(path, task, records, command.own.get("coder", ""), criteria))
        except StudyError as error:
            problems += error.problems
    if problems:
        raise StudyError(problems)
    return found


def _status(command: CodeCommand, folder: Path) -> int:  # noqa: ARG001
    task, records = read_coding(folder)
    answers, total = read_coded_answers(folder, records), len(records) * len(task.criteria)
    for coder in task.coders:
        print(f"{coder}: {len(answers.of(coder).current)} of {total} answered")
    for answer in answers:
        if answer.unclear:
            note = f": {answer.unclear_note}" if answer.unclear_note else ""
            print(terminal_text(f"{answer.criterion} is unclear on {answer.record_id} ({answer.coder}){note}"))
    return 0
