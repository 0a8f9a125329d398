"""The verb `code`: a page for each person who codes, tables of their answers, and what they agree on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from contract.errors import Problem, StudyError
from flows.cli.code_server import adjudicate, serve_coders
from flows.cli.code_words import CodeCommand, existing_folder, read_coding
from flows.files.control_characters import escape_controls


def code_command(words: Sequence[str], config_dir: Path | None, flow: str | None) -> int:
    """Does what the words say. Returns the exit code."""
    command = CodeCommand.parse(words, config_dir, flow)
    if not command.action:
        return serve_coders(command)
    folder = existing_folder(command)
    return {"adjudicate": adjudicate, "export": _export, "status": _status}[command.action](command, folder)


def _export(command: CodeCommand, folder: Path) -> int:
    from flows.coding.answer_log import read_answers
    from flows.coding.answer_table import write_answer_table

    task, records = read_coding(folder)
    path = Path(command.files[0]) if command.files else folder / "answers.csv"
    if path.suffix.lower() != ".csv":
        todo = "write code export answers.csv"
        raise StudyError([Problem(f"command line: {path}", f"a table does not end in '{path.suffix}'", todo=todo)])
    rows = write_answer_table(path, task, records, read_answers(folder))
    print(f"{path}: {rows} rows, one for each record, criterion and coder")
    return 0


def _status(command: CodeCommand, folder: Path) -> int:  # noqa: ARG001
    from flows.coding.answer_log import read_answers

    task, records = read_coding(folder)
    answers, total = read_answers(folder), len(records) * len(task.criteria)
    for coder in task.coders:
        print(f"{coder}: {len(answers.of(coder).current)} of {total} answered")
    for answer in answers:
        if answer.unclear:
            note = f": {answer.unclear_note}" if answer.unclear_note else ""
            print(escape_controls(f"{answer.criterion} is unclear on {answer.record_id} ({answer.coder}){note}"))
    return 0
