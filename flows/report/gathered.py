"""Gathered: one pass over a run's cells: their sums in memory, and what they said on disk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from contract.base import JsonValue
from contract.messages import AgentTrace
from flows.files.lines import LineFile
from flows.files.run_data import RunData
from flows.report.said import Shelf, said_of, shown_record
from flows.report.words import flat, items, mapping
from flows.tables.identity import criterion_of, natural
from flows.tables.verdict_row import VerdictRow

_EXAMPLES = 5


@dataclass
class Trouble:
    """Cells of a step that ended without an output for one reason."""

    step: str
    status: str
    reason: str
    count: int = 0
    records: list[str] = field(default_factory=list[str])
    """The first few of their records."""


@dataclass
class Asked:
    """What was asked of one model, and who answered when."""

    calls: int = 0
    versions: set[str] = field(default_factory=set[str])
    first: datetime | None = None
    last: datetime | None = None
    cost: Decimal = Decimal(0)
    unknown: int = 0
    """Replies without a known price."""
    demonstration: bool = False

    def add(self, trace: AgentTrace) -> None:
        """Counts the replies of a cell."""
        for reply in (call.reply for call in trace.calls if call.reply):
            self.calls += 1
            self.versions |= {reply.served_by} if reply.served_by else set()
            self.first = min(self.first or reply.started, reply.started)
            self.last = max(self.last or reply.ended, reply.ended)
            self.cost += reply.cost_usd or 0
            self.unknown += reply.cost_usd is None
            self.demonstration = self.demonstration or reply.quality == "demonstration"


@dataclass
class Gathered:
    """All that a report tells of a run's cells."""

    rows: Sequence[VerdictRow]
    shelf: Shelf
    """What each cell said, and of which record."""
    titles: dict[str, str] = field(default_factory=dict[str, str])
    """Record -> its title, for those that have one."""
    metadata: dict[str, Mapping[str, JsonValue]] = field(default_factory=dict[str, Mapping[str, JsonValue]])
    """Of every record that was judged."""
    states: dict[str, Counter[str]] = field(default_factory=dict[str, Counter[str]])
    """Step -> status -> cells."""
    troubles: dict[tuple[str, str, str], Trouble] = field(default_factory=dict[tuple[str, str, str], Trouble])
    asked: dict[str, Asked] = field(default_factory=dict[str, Asked])
    quotations: Counter[str] = field(default_factory=Counter[str])
    """Status -> quotations in the judgements."""
    criteria: dict[str, str] = field(default_factory=dict[str, str])
    """A criterion as a step was given it -> the name that rows call it."""

    @property
    def names(self) -> list[str]:
        """The records that were judged, in a reader's order."""
        return sorted({row.record_id for row in self.rows}, key=natural)


def gather(data: RunData, rows: Sequence[VerdictRow], lines: LineFile) -> Gathered:
    """Reads every cell of the run once; what they said is kept among `lines`."""
    report_data = Gathered(rows, Shelf(lines))
    criteria = {row.criteria: frozenset({row.criteria}) for row in rows}
    criteria_by_cell = {row.cell_id: criteria[row.criteria] for row in rows}
    names = {row.record_id for row in rows}
    for trace in data.traces():
        report_data.states.setdefault(trace.step, Counter())[trace.status] += 1
        _trouble(report_data, trace)
        report_data.asked.setdefault(_model(trace), Asked()).add(trace)
        if trace.cell_id not in criteria_by_cell:
            criteria_by_cell[trace.cell_id] = _criteria(trace, criteria_by_cell)
            if trace.record_id in names and trace.status != "skipped":
                report_data.shelf.other(trace.record_id, said_of(trace, criteria_by_cell[trace.cell_id]))
        else:
            _judged(report_data, trace, criteria_by_cell[trace.cell_id])
    return report_data


def _judged(found: Gathered, trace: AgentTrace, criteria: frozenset[str]) -> None:
    record = trace.input.record
    if trace.record_id not in found.metadata:
        found.metadata[trace.record_id] = record.metadata
        if record.title:
            found.titles[trace.record_id] = record.title
        found.shelf.record(trace.record_id, shown_record(record))
    parameter = trace.variant.get("criteria", trace.input.parameters.get("criteria"))
    found.criteria.setdefault(flat(parameter), criterion_of(trace) or "")
    found.shelf.judged(trace.record_id, trace.cell_id, said_of(trace, criteria))
    found.quotations.update(_quotations(trace))


def _model(trace: AgentTrace) -> str:
    return flat(trace.input.parameters.get("model") or trace.variant.get("model") or "")


def _criteria(trace: AgentTrace, about: Mapping[str, frozenset[str]]) -> frozenset[str]:
    named = criterion_of(trace)
    if named is not None:
        return frozenset({named})
    return frozenset[str]().union(*(about.get(parent, frozenset[str]()) for parent in trace.parents))


def _trouble(found: Gathered, trace: AgentTrace) -> None:
    if trace.status == "completed":
        return
    reason = _reason(trace)
    missing_output = found.troubles.setdefault(
        (trace.step, trace.status, reason), Trouble(trace.step, trace.status, reason)
    )
    missing_output.count += 1
    if len(missing_output.records) < _EXAMPLES and trace.record_id not in missing_output.records:
        missing_output.records.append(trace.record_id)


def _reason(trace: AgentTrace) -> str:
    if trace.error:
        return f"{trace.error.kind}: {_first_line(trace.error.message)}"
    return _first_line(trace.note or "") or "no reason given"


def _first_line(text: str, length: int = 200) -> str:
    first = text.strip().partition("\n")[0]
    return first if len(first) <= length else f"{first[: length - 1]}…"


def _quotations(trace: AgentTrace) -> Iterator[str]:
    for reason in items((trace.value or {}).get("reasons")):
        yield from (flat(mapping(quote).get("status")) for quote in items(mapping(reason).get("quotes")))
