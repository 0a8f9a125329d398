"""What a finished run found, as data for a client; and the runs that were made before the server started."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from contract.errors import RunError
from contract.questions import Question
from flows.accounting.ledger import STATUSES_WITHOUT_OUTPUT
from flows.api.study_run import StudyRun

if TYPE_CHECKING:
    import pandas as pd

_MAX_ROWS = 200
"""Rows of each table: a client reads them into a conversation. The report holds them all."""
_MAX_QUESTIONS = 20
"""Open questions that a client reads; the file holds them all."""
_EARLIER_ID = re.compile(r"([A-Za-z][\w-]*)-(\d{8}T\d{6}(?:-\d+)?)")
_RUNS = Path("runs")
RUN_RESULT_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "run_id": {"type": "string"},
        "state": {"type": "string"},
        "answer": {"type": ["object", "null"], "description": "The cited answer of a flow that answers a question."},
        "results": {"type": "array", "description": "What the flow's result step gave for each record."},
        "verdicts": {"type": "array", "description": "How often each model gave each verdict by each criterion."},
        "measures": {"type": "array", "description": "Agreement and accuracy, with intervals."},
        "notes": {"type": "array", "items": {"type": "string"}, "description": "What the run said of itself."},
        "waiting": {"type": ["object", "null"], "description": "What waits for a person, and how it is answered."},
        "left_out": {"type": "integer", "description": "Rows that the report has, and this answer has not."},
        "report": {"type": "string", "description": "The address of the report, to be read as a resource."},
        "folder": {"type": "string"},
    },
    "required": ["run_id", "state"],
}


def run_result(folder: Path) -> dict[str, Any]:
    """What the run in `folder` found. Raises RunError where there is no finished run."""
    run = StudyRun(folder)
    try:
        answer: dict[str, Any] | None = run.answer.model_dump(mode="json")
    except RunError:
        answer = None
    measures, verdicts = _rows(run.measures), _rows(run.verdict_counts)
    results = [] if answer else run.results
    left_out = sum(max(0, len(rows) - _MAX_ROWS) for rows in (measures, verdicts, results))
    return {
        "answer": answer,
        "results": results[:_MAX_ROWS],
        "verdicts": verdicts[:_MAX_ROWS],
        "measures": measures[:_MAX_ROWS],
        "notes": run.notes,
        "left_out": left_out,
        "cells": len(run.cells),
        "report": report_uri(run_id_of(folder)),
        "folder": str(folder),
    }


def run_id_of(folder: Path) -> str:
    """The id of the run in a folder, which holds after the server has ended, too."""
    return f"{folder.parent.name}-{folder.name}"


def report_uri(run_id: str) -> str:
    """The address of a run's report."""
    return f"run://{run_id}/report"


def earlier_runs() -> Iterator[Path]:
    """The folders of finished runs below the working folder, the latest first."""
    found = (path.parent for path in _RUNS.glob("*/*/manifest.json") if not path.parent.is_symlink())
    yield from sorted((path.absolute() for path in found), key=lambda path: path.name, reverse=True)


def earlier_run(run_id: str) -> Path | None:
    """The folder of the finished run of that id, or None."""
    named = _EARLIER_ID.fullmatch(run_id)
    if not named:
        return None
    folder = (_RUNS / named[1] / named[2]).absolute()
    return folder if not folder.is_symlink() and (folder / "manifest.json").is_file() else None


async def earlier_status(folder: Path) -> dict[str, Any]:
    """How the run in that folder ended, as its own files say."""
    from flows.gates.open_questions import waiting_run

    manifest: Any = json.loads(await asyncio.to_thread((folder / "manifest.json").read_text, encoding="utf-8"))
    cells: dict[str, int] = manifest.get("cells") or {}
    waits = await waiting_run(folder)
    state = "incomplete" if STATUSES_WITHOUT_OUTPUT & cells.keys() else "done"
    return {
        "run_id": run_id_of(folder),
        "flow": folder.parent.name,
        "state": "waiting" if waits else state,
        "cells": sum(cells.values()),
        "waiting": waiting_data(folder.parent.name, folder, waits.file, waits.questions) if waits else None,
    }


def waiting_data(flow: str, folder: Path, file: Path, questions: Sequence[Question]) -> dict[str, Any]:
    """What waits for a person, and how that person answers."""
    names = {"gate", "record_id", "round", "question", "shown", "who"}
    return {
        "open": len(questions),
        "questions": [one.model_dump(mode="json", include=names) for one in questions[:_MAX_QUESTIONS]],
        "how": f"a person answers with `uv run python -m flows answer {folder.absolute()}`, or fills in "
        f"{file.absolute()} first; then the same start_{flow} with the same arguments goes on, "
        "and pays for nothing twice",
    }


def report_text(folder: Path) -> str | None:
    """The report of a run as Markdown: the answer, or a study's findings. None where it has none."""
    paths = (folder / name for name in ("answer.md", "report.md"))
    return next((path.read_text(encoding="utf-8") for path in paths if path.is_file()), None)


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return cast("list[dict[str, Any]]", json.loads(frame.to_json(orient="records", date_format="iso")))
