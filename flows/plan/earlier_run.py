"""EarlierRun: the last finished run of a flow. Comparing a cell with it shows why the cell has to run again."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contract.errors import RunError
from contract.messages import AgentTrace
from flows.files.run_data import RunData
from flows.run_folder.texts import texts_of
from flows.spec.cell import Cell
from flows.spec.study import Study

_MOST_LETTERS = 60
"""Of a value that is named: a criterion may be a text."""


@dataclass(frozen=True)
class _EarlierCell:
    status: str
    record_fingerprint: str
    key: str


@dataclass(frozen=True)
class EarlierRun:
    """The cells, records and variants of that run, and the prompts and criteria that have changed since."""

    cells: Mapping[str, _EarlierCell]
    records: frozenset[str]
    variants: frozenset[str]
    changed_texts: tuple[str, ...]

    @classmethod
    def latest(cls, study: Study) -> EarlierRun | None:
        """The run that the link `latest` points to; None when there is no readable one."""
        try:
            data = RunData.open(study.run.folder / study.flow.name / "latest")
            cells, records, variants = dict[str, _EarlierCell](), set[str](), set[str]()
            for trace in data.traces():
                cells[trace.cell_id] = _earlier_cell(trace)
                records.add(trace.record_id)
                variants.add(trace.variant_id)
        except RunError:
            return None
        return cls(cells, frozenset(records), frozenset(variants), _changed_texts(study, data.manifest))

    def reason_to_run(self, cell: Cell, key: str) -> str:
        """The reason why the cell, which has that key now, has to run, in a few words."""
        before = self.cells.get(cell.cell_id)
        record = cell.input.record
        if before is None:
            return self._reason_new(cell)
        if before.status != "completed":
            return f"{before.status} last time".replace("_", " ")
        if before.key == key:
            return "what was kept of it is gone or was changed"
        if before.record_fingerprint != record.fingerprint:
            return "the record has changed"
        if self.changed_texts:
            return f"changed: {', '.join(self.changed_texts)}"
        return "its input, its model or the program has changed"

    def _reason_new(self, cell: Cell) -> str:
        if cell.input.record.record_id not in self.records:
            # It may have been asked in a run before that one, or have been left out of its sample.
            return "not in the latest run"
        if cell.variant_id not in self.variants:
            values = ", ".join(f"{name}={str(value)[:_MOST_LETTERS]}" for name, value in cell.variant.items())
            return f"not in the latest run: {values or cell.step}"
        return "a repeat or round that the latest run did not have"


def _earlier_cell(trace: AgentTrace) -> _EarlierCell:
    return _EarlierCell(trace.status, trace.record_fingerprint, trace.key)


def _changed_texts(study: Study, manifest: Mapping[str, Any]) -> tuple[str, ...]:
    stored: Mapping[str, Any] = manifest.get("texts", {})
    now = {text.name: text.sha256 for text in texts_of(study)}
    before = {name: hashlib.sha256(text["text"].encode()).hexdigest() for name, text in stored.items()}
    return tuple(sorted(name for name, digest in now.items() if before.get(name, digest) != digest))
