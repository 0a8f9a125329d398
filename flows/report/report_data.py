"""Collects the data of a report in one pass over a run's cells: sums in memory, and answers on disk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from contract.base import JsonValue
from contract.codebook import variable_name
from contract.messages import AgentTrace
from contract.record import Record
from flows.files.lines import LineFile
from flows.files.run_data import RunData
from flows.report.record_details import RecordDetailStore, cell_answer, record_view
from flows.report.words import as_list, as_mapping, one_line
from flows.tables.identity import criterion_name, natural_key
from flows.tables.verdict_row import VerdictRow

_MAX_EXAMPLES = 5
_MAX_FIRST_WORDS = 60
"""Characters."""


@dataclass
class MissingOutput:
    """Cells of a step that ended without an output for the same reason."""

    step: str
    status: str
    reason: str
    count: int = 0
    records: list[str] = field(default_factory=list[str])
    """The first records of these cells, at most five."""


@dataclass
class ModelUsage:
    """The calls of one model, and the versions and dates of its replies."""

    calls: int = 0
    versions: set[str] = field(default_factory=set[str])
    first: datetime | None = None
    last: datetime | None = None
    cost: Decimal = Decimal(0)
    unknown_price_calls: int = 0
    """Replies without a known price."""
    demonstration: bool = False
    sent: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    """Setting -> the values of it that went over the wire."""
    sent_unrecorded: int = 0
    """Replies that do not say which settings were sent."""

    def add_replies(self, trace: AgentTrace) -> None:
        """Counts the replies of a cell."""
        for reply in (call.reply for call in trace.calls if call.reply):
            self.calls += 1
            self.versions |= {reply.served_by} if reply.served_by else set()
            self.first = min(self.first or reply.started, reply.started)
            self.last = max(self.last or reply.ended, reply.ended)
            self.cost += reply.cost_usd or 0
            self.unknown_price_calls += reply.cost_usd is None
            self.sent_unrecorded += reply.sent is None
            for name, value in (reply.sent or {}).items():
                self.sent.setdefault(name, set()).add(f"{value}")
            self.demonstration = self.demonstration or reply.quality == "demonstration"


@dataclass
class ReportData:
    """All that a report shows of a run's cells."""

    rows: Sequence[VerdictRow]
    details: RecordDetailStore
    """The answer of each cell, by record."""
    titles: dict[str, str] = field(default_factory=dict[str, str])
    """Record -> its title, or its first words where it has none; records of pictures alone are not in it."""
    metadata: dict[str, Mapping[str, JsonValue]] = field(default_factory=dict[str, Mapping[str, JsonValue]])
    """Record -> its metadata, for every record that was judged."""
    states: dict[str, Counter[str]] = field(default_factory=dict[str, Counter[str]])
    """Step -> status -> cells."""
    missing_outputs: dict[tuple[str, str, str], MissingOutput] = field(
        default_factory=dict[tuple[str, str, str], MissingOutput]
    )
    model_usage: dict[str, ModelUsage] = field(default_factory=dict[str, ModelUsage])
    quotations: Counter[str] = field(default_factory=Counter[str])
    """Status -> quotations in the judgements."""
    criterion_names: dict[str, str] = field(default_factory=dict[str, str])
    """A criterion as the step's parameter -> its name in the rows."""

    @property
    def record_ids(self) -> list[str]:
        """The records that were judged, in natural order (`r2` before `r10`)."""
        return sorted({row.record_id for row in self.rows}, key=natural_key)


def collect_report_data(data: RunData, rows: Sequence[VerdictRow], lines: LineFile) -> ReportData:
    """Reads every cell of the run once; stores their answers in `lines`."""
    report_data = ReportData(rows, RecordDetailStore(lines))
    criteria = {row.criteria: frozenset({row.criteria}) for row in rows}
    # A cell has one row, or one for each variable of its criterion's codebook.
    criteria_by_cell = dict[str, frozenset[str]]()
    for row in rows:
        known = criteria_by_cell.get(row.cell_id)
        criteria_by_cell[row.cell_id] = known | criteria[row.criteria] if known else criteria[row.criteria]
    names = {row.record_id for row in rows}
    for trace in data.traces():
        report_data.states.setdefault(trace.step, Counter())[trace.status] += 1
        _add_missing_output(report_data, trace)
        report_data.model_usage.setdefault(_model_name(trace), ModelUsage()).add_replies(trace)
        if trace.cell_id not in criteria_by_cell:
            criteria_by_cell[trace.cell_id] = _criteria_of_cell(trace, criteria_by_cell)
            if trace.record_id in names and trace.status != "skipped":
                report_data.details.add_other_answer(
                    trace.record_id, cell_answer(trace, criteria_by_cell[trace.cell_id])
                )
        else:
            _add_judgement(report_data, trace, criteria_by_cell[trace.cell_id])
    return report_data


def _add_judgement(report_data: ReportData, trace: AgentTrace, criteria: frozenset[str]) -> None:
    record = trace.input.record
    if trace.record_id not in report_data.metadata:
        report_data.metadata[trace.record_id] = record.metadata
        if title := record.title or _first_words(record):
            report_data.titles[trace.record_id] = title
        report_data.details.add_record(trace.record_id, record_view(record))
    parameter = trace.variant.get("criteria", trace.input.parameters.get("criteria"))
    report_data.criterion_names.setdefault(one_line(parameter), criterion_name(trace) or "")
    report_data.details.add_judgement(trace.record_id, trace.cell_id, cell_answer(trace, criteria))
    report_data.quotations.update(_quotation_statuses(trace))


def _model_name(trace: AgentTrace) -> str:
    return one_line(trace.input.parameters.get("model") or trace.variant.get("model") or "")


def _criteria_of_cell(trace: AgentTrace, criteria_by_cell: Mapping[str, frozenset[str]]) -> frozenset[str]:
    named = criterion_name(trace)
    if named is not None:
        variables = as_mapping((trace.value or {}).get("codes"))
        return frozenset(variable_name(named, name) for name in variables) or frozenset({named})
    return frozenset[str]().union(*(criteria_by_cell.get(parent, frozenset[str]()) for parent in trace.parents))


def _add_missing_output(report_data: ReportData, trace: AgentTrace) -> None:
    if trace.status == "completed":
        return
    reason = _reason(trace)
    missing_output = report_data.missing_outputs.setdefault(
        (trace.step, trace.status, reason), MissingOutput(trace.step, trace.status, reason)
    )
    missing_output.count += 1
    if len(missing_output.records) < _MAX_EXAMPLES and trace.record_id not in missing_output.records:
        missing_output.records.append(trace.record_id)


def _reason(trace: AgentTrace) -> str:
    if trace.error:
        return f"{trace.error.kind}: {_first_line(trace.error.message)}"
    return _first_line(trace.note or "") or "no reason given"


def _first_words(record: Record) -> str:
    """What a reader knows a record without a title by; empty where it has no text."""
    texts = (text for text in (record.text, *map(str, record.sections.values())) if text.strip())
    words = " ".join(next(texts, "")[: 4 * _MAX_FIRST_WORDS].split())
    return (
        words
        if len(words) <= _MAX_FIRST_WORDS
        else f"{words[:_MAX_FIRST_WORDS].rpartition(' ')[0] or words[:_MAX_FIRST_WORDS]}…"
    )


def _first_line(text: str, length: int = 200) -> str:
    first = text.strip().partition("\n")[0]
    return first if len(first) <= length else f"{first[: length - 1]}…"


def _quotation_statuses(trace: AgentTrace) -> Iterator[str]:
    for reason in as_list((trace.value or {}).get("reasons")):
        yield from (one_line(as_mapping(quote).get("status")) for quote in as_list(as_mapping(reason).get("quotes")))
