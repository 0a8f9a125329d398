"""Collects the verdict of each judge on each record, as rows for the measures and as the wide `verdicts.csv`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from contract.base import JsonValue, canonical_json, thawed
from contract.flow import FlowSpec
from contract.measures import Measures
from contract.messages import AgentTrace
from flows.files.control_characters import escape_controls
from flows.files.run_data import RunData
from flows.tables.answers import verdict_text
from flows.tables.csv_text import write_csv
from flows.tables.ground_truth import GroundTruth, value_at_path
from flows.tables.identity import (
    CellSortKey,
    cell_sort_key,
    criterion_name,
    model_name,
    natural_key,
    other_dimensions,
    step_order,
)
from flows.tables.verdict_row import VerdictRow


@dataclass
class Verdicts:
    """The verdicts of a run, and the ground truth of all its records."""

    rows: list[VerdictRow] = field(default_factory=list[VerdictRow])
    """In the order of records, variants and repeats."""
    truths: dict[str, dict[str, str | None]] = field(default_factory=dict[str, dict[str, str | None]])
    """Record -> criterion -> people's answer as a verdict; also for records that no judge was asked about."""


@dataclass(frozen=True)
class _LatestRow:
    """The rows of a cell, and its rank among those of other rounds."""

    rank: tuple[bool, int]
    sort_key: CellSortKey
    rows: Sequence[VerdictRow]
    """One, or one for each variable of a codebook."""


def verdict_rows(data: RunData) -> list[VerdictRow]:
    """One row for each record x variant x repeat of the step that `measures.verdicts` names; none without measures.

    In a loop the last round counts in which the step was not skipped; if that one failed there is no verdict, whatever
    the earlier rounds gave.
    """
    if data.spec.measures is None:
        return []
    reader = VerdictCollector(data.spec, data.spec.measures, data.manifest)
    for trace in data.traces():
        reader.add(trace)
    return reader.verdicts().rows


class VerdictCollector:
    """Collects the verdicts of a run and the ground truth of all its records from its cells, one cell at a time."""

    def __init__(self, spec: FlowSpec, measures: Measures, manifest: Mapping[str, Any]) -> None:
        self._measures = measures
        self._ground_truth = GroundTruth.of_run(spec, measures, manifest)
        self._steps = step_order(spec)
        self._truths = dict[str, dict[str, str | None]]()
        self._latest = dict[tuple[str, str, int], _LatestRow]()

    def add(self, trace: AgentTrace) -> None:
        """Adds one cell."""
        self._truths[trace.record_id] = {
            name: reading.verdict if (reading := self._ground_truth.read(trace.input.record, name)) else None
            for name in self._ground_truth.fields
        }
        if trace.step == self._measures.verdicts:
            self._keep_latest(trace)

    def verdicts(self) -> Verdicts:
        """The verdicts of all cells so far."""
        found = sorted(self._latest.values(), key=lambda one: one.sort_key)
        truths = {name: self._truths[name] for name in sorted(self._truths, key=natural_key)}
        return Verdicts([row for one in found for row in one.rows], truths)

    def _keep_latest(self, trace: AgentTrace) -> None:
        key = (trace.record_id, canonical_json(trace.variant), trace.repeat)
        rank, sort_key = (trace.status != "skipped", trace.round), cell_sort_key(trace, self._steps)
        known = self._latest.get(key)
        if known is None or (known.rank, known.sort_key) < (rank, sort_key):
            rows = list(_verdict_rows(trace, self._measures, self._ground_truth))
            self._latest[key] = _LatestRow(rank, sort_key, rows)


def _verdict_rows(trace: AgentTrace, measures: Measures, ground_truth: GroundTruth) -> Iterator[VerdictRow]:
    """The row of a cell; where its criterion has a codebook, a row for each variable."""
    criterion, value = criterion_name(trace) or "", as_object(trace.value)
    variables = ground_truth.variables_of(criterion)
    if not variables:
        yield _verdict_row(trace, measures, ground_truth, criterion, value)
    for name, variable in variables.items():
        code = as_object(as_object(value.get("codes")).get(variable.name))
        own = {**value, "verdict": variable.text(code.get("value")), "uncertainty": code.get("uncertainty")}
        yield _verdict_row(trace, measures, ground_truth, name, own)


def as_object(value: JsonValue | Mapping[str, JsonValue]) -> Mapping[str, JsonValue]:
    """An object of JSON; an empty one for anything else."""
    return cast("Mapping[str, JsonValue]", value) if isinstance(value, Mapping) else {}


def _verdict_row(
    trace: AgentTrace, measures: Measures, ground_truth: GroundTruth, criterion: str, value: Mapping[str, JsonValue]
) -> VerdictRow:
    replies = [call.reply for call in trace.calls if call.reply]
    quality = value.get("quality", replies[-1].quality if replies else None)
    reading = ground_truth.read(trace.input.record, criterion)
    return VerdictRow(
        record_id=trace.record_id,
        criteria=criterion,
        model=rater_name(trace),
        repeat=trace.repeat,
        round=trace.round,
        status=trace.status,
        verdict=verdict_text(value.get("verdict")),
        uncertainty=verdict_text(value.get("uncertainty")),
        truth=reading.verdict if reading else None,
        is_truth_possible=reading is None or reading.how != "unknown",
        groups={name: thawed(value_at_path(trace.input.record.metadata, name)) for name in measures.by},
        quality=verdict_text(quality),
        cell_id=trace.cell_id,
        variant_id=trace.variant_id,
        people=ground_truth.people(trace.input.record, criterion),
        unclear=ground_truth.unclear(trace.input.record, criterion),
    )


def rater_name(trace: AgentTrace) -> str:
    """The name of a judge among those on the same criterion: its model and all other dimensions of its variant.

    A judge that has neither is named after its step.
    """
    others = [f"{name}={_value_text(value)}" for name, value in sorted(other_dimensions(trace).items())]
    return ", ".join([name for name in (model_name(trace), *others) if name]) or trace.step


def _value_text(value: JsonValue) -> str:
    return value if isinstance(value, str) else canonical_json(value)


def write_verdicts(
    folder: Path, rows: Sequence[VerdictRow], truths: Mapping[str, Mapping[str, str | None]] | None = None
) -> None:
    """Writes `verdicts.csv`: one row a record, one column for each criterion and model, with ` #2` … for repeats.

    A cell without a verdict has its status, such as `<refused>`; where there is no cell, the field is empty. Records
    that are only in `truths` have a row too. Criteria to which people gave different answers have a column for each.
    """
    known = {record: dict(answers) for record, answers in (truths or {}).items()}
    for row in rows:
        known.setdefault(row.record_id, {}).setdefault(row.criteria, row.truth)
    answered = sorted({name for answers in known.values() for name, truth in answers.items() if truth}, key=natural_key)
    if all(len({answers.get(name) for name in answered}) < 2 for answers in known.values()):
        answered = answered[:1]
    columns = _column_names(rows)
    cells = {(row.record_id, columns[_judge_key(row)]): row.verdict or f"<{_status_text(row)}>" for row in rows}
    names = list(columns.values())
    truth_columns = ["truth"] if len(answered) < 2 else [f"truth / {name}" for name in answered]
    write_csv(
        folder / "verdicts.csv",
        ["record_id", *truth_columns, *names],
        (
            [
                record,
                *(known[record].get(name) for name in answered or [""]),
                *(cells.get((record, name)) for name in names),
            ]
            for record in sorted(known, key=natural_key)
        ),
    )


def _status_text(row: VerdictRow) -> str:
    return "no verdict" if row.status == "completed" else row.status


def _judge_key(row: VerdictRow) -> tuple[str, str, int, str]:
    return row.criteria, row.model, row.repeat, row.variant_id


def _column_names(rows: Sequence[VerdictRow]) -> dict[tuple[str, str, int, str], str]:
    """Judge -> its column; where two would have the same name, the variant's id is added."""
    judges = sorted(
        {_judge_key(row) for row in rows}, key=lambda one: (natural_key(one[0]), natural_key(one[1]), one[2:])
    )
    names = {judge: _column_name(*judge[:3]) for judge in judges}
    taken = ["record_id", "truth", *names.values()]
    return {judge: name if taken.count(name) == 1 else f"{name} [{judge[3]}]" for judge, name in names.items()}


def _column_name(criteria: str, model: str, repeat: int) -> str:
    again = f" #{repeat + 1}" if repeat else ""
    return escape_controls(" / ".join(name for name in (criteria, model) if name) + again)
