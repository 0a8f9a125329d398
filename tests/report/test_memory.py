"""Memory: a report's need does not grow with the length of the cells' answers."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

from contract.messages import AgentTrace
from flows.files.run_data import RunData
from flows.report.write_report import write_report
from flows.tables.verdicts import verdict_rows
from tests.support.traces import MODELS, cell, judgement, record, write_run

RECORDS = 60


def test_long_answers_are_not_held_together(tmp_path: Path) -> None:
    _peak(tmp_path / "first", 10)  # Imports must not count.
    short, long = _peak(tmp_path / "short", 10), _peak(tmp_path / "long", 50_000)
    written = (tmp_path / "long" / "report.html").stat().st_size
    assert written > RECORDS * len(MODELS) * 50_000
    assert long - short < written / 4


def _peak(folder: Path, letters: int) -> int:
    """The most bytes that were held at once while the report of a run with answers of that length was made."""
    write_run(folder, (_judged_cell(number, model, letters) for number in range(RECORDS) for model in MODELS))
    data = RunData.open(folder)
    rows = verdict_rows(data)
    tracemalloc.start()
    try:
        write_report(data, rows, None)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def _judged_cell(number: int, model: str, letters: int) -> AgentTrace:
    of = record(number)
    value = judgement(of, "violates", "plain", model) | {"conclusion": f"{number} {model} " + "x" * letters}
    return cell(of, {"criteria": "plain", "model": model}, value=value)
