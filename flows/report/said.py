"""Said: what a run's cells said of its records, kept on disk record by record: the page shows one record at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from contract.base import thawed
from contract.messages import AgentTrace
from contract.record import Record
from flows.files.lines import LineFile
from flows.report.words import flat, short, shown
from flows.tables.identity import other_dimensions


@dataclass(frozen=True)
class Said:
    """What one cell said, beside its verdict."""

    step: str
    label: str
    """Variant, repeat and round in words."""
    status: str
    value: Mapping[str, Any] | None
    note: str | None
    error: str | None
    served_by: str | None
    criteria: Sequence[str] = ()
    """The criteria that it is about; empty for all of them."""


@dataclass(frozen=True)
class ShownRecord:
    """A record as the page shows it."""

    fields: Sequence[tuple[str, str]]
    """Name and whole text of each."""
    metadata: Sequence[tuple[str, str]]
    ground_truth: Sequence[tuple[str, str]]
    uri: str | None


@dataclass
class Told:
    """A record, and all that was said of it."""

    record: ShownRecord | None = None
    judged: dict[str, Said] = field(default_factory=dict[str, Said])
    """Cell id of a verdict -> what its cell said."""
    others: list[Said] = field(default_factory=list[Said])
    """What other steps, and earlier rounds, said."""


class Shelf:
    """Records and what was said of them, among these lines; only where they begin is in memory."""

    def __init__(self, lines: LineFile) -> None:
        self._lines = lines
        self._begins = dict[str, list[int]]()

    def record(self, name: str, record: ShownRecord) -> None:
        """Takes in a record."""
        self._add(name, ["record", "", vars(record)])

    def judged(self, name: str, cell_id: str, said: Said) -> None:
        """Takes in what the cell of a verdict said of the record of that name."""
        self._add(name, ["judged", cell_id, vars(said)])

    def other(self, name: str, said: Said) -> None:
        """Takes in what another cell said of it."""
        self._add(name, ["other", "", vars(said)])

    def _add(self, name: str, line: Sequence[Any]) -> None:
        self._begins.setdefault(name, []).append(self._lines.add(json.dumps(line)))

    def of(self, name: str) -> Told:
        """All that was taken in of a record, in the order in which it came."""
        details = Told()
        for offset in self._begins.get(name, ()):
            kind, cell_id, content = json.loads(self._lines.read(offset))
            if kind == "record":
                details.record = ShownRecord(**content)
            elif kind == "judged":
                details.judged[cell_id] = Said(**content)
            else:
                details.others.append(Said(**content))
        return details


def said_of(trace: AgentTrace, criteria: frozenset[str]) -> Said:
    """What a cell said."""
    model = [flat(trace.variant["model"])] if "model" in trace.variant else []
    named = model + [f"{name}={flat(value)}" for name, value in sorted(other_dimensions(trace).items())]
    named += [f"repeat {trace.repeat + 1}"] if trace.repeat else []
    named += [f"round {trace.round}"] if trace.round else []
    replies = [call.reply for call in trace.calls if call.reply]
    return Said(
        step=trace.step, label=", ".join(named), status=trace.status,
        value=thawed(trace.value) if trace.value is not None else None, note=trace.note,
        error=f"{trace.error.kind}: {trace.error.message}" if trace.error else None,
        served_by=replies[-1].served_by if replies else None, criteria=sorted(criteria),
    )  # fmt: skip


def shown_record(record: Record) -> ShownRecord:
    """A record as the page shows it: images as what is said of them, only addresses that may be followed."""
    return ShownRecord(
        fields=list(_fields(record)), metadata=_pairs(record.metadata), ground_truth=_pairs(record.ground_truth or {}),
        uri=record.uri if (record.uri or "").startswith("https://") else None,
    )  # fmt: skip


def _fields(record: Record) -> Iterator[tuple[str, str]]:
    if record.title:
        yield "title", record.title
    if record.text:
        yield "text", record.text
    yield from ((f"sections.{name}", str(text)) for name, text in record.sections.items() if text)
    for number, image in enumerate(record.images):
        yield f"images.{number}", image.alt_text or ""


def _pairs(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(shown(name), shown(short(value))) for name, value in values.items() if value not in (None, "")]
