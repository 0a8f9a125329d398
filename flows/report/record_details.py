"""Stores the answers of a run's cells on disk, record by record, since the page shows one record at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from contract.base import thawed
from contract.messages import AgentTrace
from contract.record import Record
from flows.files.lines import LineFile
from flows.report.words import display_text, one_line, truncated_value
from flows.tables.identity import other_dimensions


@dataclass(frozen=True)
class CellAnswer:
    """The answer of one cell, beside its verdict."""

    step: str
    label: str
    """Variant, repeat and round in words."""
    status: str
    value: Mapping[str, Any] | None
    note: str | None
    error: str | None
    served_by: str | None
    criteria: Sequence[str] = ()
    """The criteria of the answer; empty for all of them."""


@dataclass(frozen=True)
class RecordView:
    """A record as the page shows it."""

    fields: Sequence[tuple[str, str]]
    """Name and whole text of each."""
    metadata: Sequence[tuple[str, str]]
    ground_truth: Sequence[tuple[str, str]]
    uri: str | None


@dataclass
class RecordDetails:
    """A record, and all answers about it."""

    record: RecordView | None = None
    judgements: dict[str, CellAnswer] = field(default_factory=dict[str, CellAnswer])
    """Cell id of a verdict -> the answer of its cell."""
    others: list[CellAnswer] = field(default_factory=list[CellAnswer])
    """Answers of other steps, and of earlier rounds."""


class RecordDetailStore:
    """Records and the answers about them, stored in a LineFile; only their offsets are in memory."""

    def __init__(self, lines: LineFile) -> None:
        self._lines = lines
        self._offsets = dict[str, list[int]]()

    def add_record(self, name: str, record: RecordView) -> None:
        """Adds a record."""
        self._add(name, ["record", "", vars(record)])

    def add_judgement(self, name: str, cell_id: str, answer: CellAnswer) -> None:
        """Adds the answer of the cell of a verdict about the record of that name."""
        self._add(name, ["judged", cell_id, vars(answer)])

    def add_other_answer(self, name: str, answer: CellAnswer) -> None:
        """Adds the answer of another cell about it."""
        self._add(name, ["other", "", vars(answer)])

    def _add(self, name: str, line: Sequence[Any]) -> None:
        self._offsets.setdefault(name, []).append(self._lines.add(json.dumps(line)))

    def get(self, name: str) -> RecordDetails:
        """All that was added of a record, in the order in which it was added."""
        details = RecordDetails()
        for offset in self._offsets.get(name, ()):
            kind, cell_id, content = json.loads(self._lines.read(offset))
            if kind == "record":
                details.record = RecordView(**content)
            elif kind == "judged":
                details.judgements[cell_id] = CellAnswer(**content)
            else:
                details.others.append(CellAnswer(**content))
        return details


def cell_answer(trace: AgentTrace, criteria: frozenset[str]) -> CellAnswer:
    """The answer of a cell."""
    model = [one_line(trace.variant["model"])] if "model" in trace.variant else []
    named = model + [f"{name}={one_line(value)}" for name, value in sorted(other_dimensions(trace).items())]
    named += [f"repeat {trace.repeat + 1}"] if trace.repeat else []
    named += [f"round {trace.round}"] if trace.round else []
    replies = [call.reply for call in trace.calls if call.reply]
    return CellAnswer(
        step=trace.step, label=", ".join(named), status=trace.status,
        value=thawed(trace.value) if trace.value is not None else None, note=trace.note,
        error=f"{trace.error.kind}: {trace.error.message}" if trace.error else None,
        served_by=replies[-1].served_by if replies else None, criteria=sorted(criteria),
    )  # fmt: skip


def record_view(record: Record) -> RecordView:
    """A record as the page shows it: images as their alt texts, and a `uri` only if it begins with https://."""
    return RecordView(
        fields=list(_record_fields(record)), metadata=_pairs(record.metadata),
        ground_truth=_pairs(record.ground_truth or {}),
        uri=record.uri if (record.uri or "").startswith("https://") else None,
    )  # fmt: skip


def _record_fields(record: Record) -> Iterator[tuple[str, str]]:
    if record.title:
        yield "title", record.title
    if record.text:
        yield "text", record.text
    yield from ((f"sections.{name}", str(text)) for name, text in record.sections.items() if text)
    for number, image in enumerate(record.images):
        yield f"images.{number}", image.alt_text or ""


def _pairs(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        (display_text(name), display_text(truncated_value(value)))
        for name, value in values.items()
        if value not in (None, "")
    ]
