"""Answers as a long table: one row for each record, criterion and coder, with the probability of each record."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from flows.coding.answer_log import Answer, CodedAnswers
from flows.coding.task import CodingTask, DrawnRecord
from flows.tables.csv_text import write_csv
from flows.tables.flatten import Scalar

COLUMNS = (
    "record_id", "criterion", "coder", "verdict", "reason", "quotes", "unclear", "unclear_note", "seconds", "timed",
    "at", "source", "probability", "record_sha256", "criterion_sha256",
)  # fmt: skip


def write_answer_table(path: Path, task: CodingTask, records: Sequence[DrawnRecord], answers: CodedAnswers) -> int:
    """Writes the table, whole or not at all; returns the number of its rows. Strata are columns of their own."""
    rows = list(answer_rows(task, records, answers))
    write_csv(path, [*COLUMNS, *(f"stratum.{name}" for name in task.strata)], iter(rows))
    return len(rows)


def answer_rows(task: CodingTask, records: Sequence[DrawnRecord], answers: CodedAnswers) -> Iterator[list[Scalar]]:
    """The rows of the table, in the order of records, criteria and coders."""
    for drawn in records:
        strata = [str(drawn.stratum.get(name, "")) for name in task.strata]
        for criterion in task.criteria:
            for coder in sorted(answers.coders):
                answer = answers.of(coder).current.get((drawn.record_id, criterion.name))
                if answer is not None:
                    yield [*_cells(answer), drawn.probability, answer.record_sha256, answer.criterion_sha256, *strata]


def _cells(answer: Answer) -> list[Scalar]:
    return [
        answer.record_id, answer.criterion, answer.coder, answer.verdict_text, answer.reason,
        " | ".join(one.quote for one in answer.quotes), answer.unclear, answer.unclear_note, answer.seconds,
        answer.timed, answer.at.isoformat(), answer.source,
    ]  # fmt: skip
