"""The answers of a coding as the verb `code` reads them: what is lost of them is told by every action."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from flows.config.diagnostics import join_names
from flows.files.control_characters import terminal_text
from flows.files.half_line import half_lines_note

if TYPE_CHECKING:
    from flows.coding.answer_log import CodedAnswers
    from flows.coding.task import DrawnRecord
    from flows.files.gold_set import GoldSet

_SHOWN = 5


def read_coded_answers(folder: Path, records: Sequence[DrawnRecord]) -> CodedAnswers:
    """The answers kept in the folder; prints which lines of their file are not counted."""
    from flows.coding.answer_log import ANSWERS_FILE, read_answers

    answers = read_answers(folder)
    print_lost_lines(answers, folder / ANSWERS_FILE, records)
    return answers


def print_lost_lines(answers: CodedAnswers, path: Path, records: Sequence[DrawnRecord]) -> None:
    """Prints which lines of the file are not counted, and which answers are about records that are gone."""
    from flows.coding.task import RECORDS_FILE

    _print_note(half_lines_note(path, answers.torn_lines))
    for number in answers.damaged_lines[:_SHOWN]:
        print(
            f"warning: {path}:{number}: this line was damaged after it was written, so an answer or an undo is lost; "
            "restore the file from a copy, or have that coder look through their answers",
            file=sys.stderr,
        )
    for number in answers.changed_lines[:_SHOWN]:
        print(
            f"warning: {path}:{number}: this line was changed after it was written, so it does not count; "
            "restore the file from a copy, or have that coder answer again",
            file=sys.stderr,
        )
    for lines, what in ((answers.damaged_lines, "damaged"), (answers.changed_lines, "changed")):
        if len(lines) > _SHOWN:
            others = ", ".join(map(str, lines[_SHOWN:]))
            print(f"warning: {path}: {what} are also lines {others}", file=sys.stderr)
    if gone := {one.record_id for one in answers} - {one.record_id for one in records}:
        print(
            terminal_text(
                f"warning: {path}: there are answers about {join_names(gone, _SHOWN)}, which "
                f"{path.with_name(RECORDS_FILE)} does not hold, so they count nowhere; restore that file from a copy"
            ),
            file=sys.stderr,
        )


def read_known_gold(path: Path) -> GoldSet:
    """The decisions in the file; prints which lines of it are not counted."""
    from flows.files.gold_set import read_gold

    gold = read_gold(path)
    _print_note(half_lines_note(path, gold.torn_lines))
    return gold


def _print_note(note: str) -> None:
    if note:
        print(f"note: {note}", file=sys.stderr)
