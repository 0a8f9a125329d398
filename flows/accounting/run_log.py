"""Run log: the events of a run as JSON, one object a line, in addition to the log for people that Prefect keeps.

The file is `log.jsonl` in the run folder. Each event is written when it happens, so that the file also shows how far a
killed run came. It holds names, numbers and kinds of errors, never a text of a record, a reply or a message.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any
from uuid import UUID

from contract.errors import RunError
from contract.messages import AgentTrace
from flows.files.os_error import os_error_text
from flows.spec.cell import Cell

LOG_FILE = "log.jsonl"


class RunLog:
    """The JSON log of one run; use as a context manager."""

    def __init__(self, folder: Path, flow_run_id: UUID | None = None) -> None:
        self._path = folder / LOG_FILE
        self._common_fields = {"run": folder.name, "flow_run_id": str(flow_run_id) if flow_run_id else None}
        self._file: IO[str] | None = None

    def __enter__(self) -> RunLog:
        # Line buffering: a reader sees every event while the run goes on, and after it was killed.
        self._file = self._path.open("w", encoding="utf-8", buffering=1)
        self.write("run started")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, traceback: object) -> None:
        self.write("run ended", error=kind.__name__ if kind else None)
        if self._file:
            self._file.close()
            self._file = None

    def write(self, event: str, **fields: Any) -> None:
        """Writes one line; does nothing when the log is not open."""
        if self._file:
            line = {"time": datetime.now(UTC).isoformat(), "event": event, **self._common_fields, **fields}
            try:
                self._file.write(json.dumps(line, ensure_ascii=False, default=str) + "\n")
            except OSError as error:
                raise RunError(f"cannot write {self._path}: {os_error_text(error)}") from error

    def cell_started(self, cell: Cell) -> None:
        """Logs that a cell starts."""
        record, parameters = cell.input.record.record_id, cell.input.parameters
        self.write(
            "cell started",
            **_cell_fields(cell.cell_id, record, cell.agent, cell.step, parameters),
            variant=cell.variant_id, repeat=cell.repeat, round=cell.round,
        )  # fmt: skip

    def cell_ended(self, trace: AgentTrace, *, fresh: bool, task_run_id: UUID | None) -> None:
        """Logs that a cell has ended, or will not run."""
        self.write(
            "cell ended",
            **_cell_fields(trace.cell_id, trace.record_id, trace.agent, trace.step, trace.input.parameters),
            variant=trace.variant_id, repeat=trace.repeat, round=trace.round,
            task_run_id=str(task_run_id) if task_run_id else None,
            status=trace.status,
            error=trace.error.kind if trace.error else None,
            attempts=trace.attempts,
            calls=len(trace.calls),
            calls_paid=sum(fresh and not call.from_cache for call in trace.calls if call.reply),
            seconds=round((trace.ended - trace.started).total_seconds(), 3),
        )  # fmt: skip


def _cell_fields(cell_id: str, record: str, agent: str, step: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {"cell": cell_id, "record": record, "step": step, "agent": agent, "model": parameters.get("model")}
