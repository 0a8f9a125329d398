"""Turns a cell into a row for BigQuery: its columns of `cells.csv`, with its whole value, its times and its trace."""

from __future__ import annotations

import math
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import PlainSerializer

from contract.base import Frozen, FrozenMap, JsonValue, digest, thawed
from contract.messages import AgentTrace, CellStatus
from flows.tables.cell_row import IDENTITY_COLUMNS, OUTCOME_COLUMNS, cell_row

MAX_TRACE_BYTES = 8_000_000
"""Bytes; a longer trace, such as one with large pictures, is only in the run folder."""
_COST_QUANTUM = Decimal("1e-9")
_Money = Annotated[Decimal, PlainSerializer(lambda amount: format(amount, "f"), return_type=str)]


class SavedCell(Frozen):
    """One row: one record, step, variant and repeat of a flow, as the last run that changed it left it."""

    study: str
    """The study that the row belongs to: one row of a study and its owner has a `cell_id`."""
    owner: str | None
    """The group whose study it is, where the storage names one."""
    cell_id: str
    """Digest of flow, step, record, variant and repeat."""
    flow: str
    step: str
    agent: str
    agent_version: str
    record_id: str
    variant_id: str | None
    model: str | None
    """The model that was asked."""
    criteria: str | None
    """The criterion judged by."""
    variant: FrozenMap
    """Every parameter by which this cell differs from others of its step."""
    repeat: int
    round: int
    """Which turn of a loop; 0 outside loops."""
    status: CellStatus
    """completed, refused, truncated, failed, skipped, missing_input, over_budget or waiting."""
    note: str | None
    error_kind: str | None
    error: str | None
    quality: str | None
    """Where the model is not fit for research: why."""
    finish_reason: str | None
    served_by: str | None
    """The version of the model that says it answered."""
    calls: int
    """Replies, re-asked ones included."""
    input_tokens: int | None
    output_tokens: int | None
    """NULL where the provider did not count its tokens."""
    cost_usd: _Money | None
    """US dollars to nine digits; NULL where the price is not known."""
    value: FrozenMap | None
    """The output, NULL where there is none. Whole numbers beyond 64 bits are text."""
    metadata: FrozenMap | None
    """The record's metadata."""
    ground_truth: FrozenMap | None
    """What people said of the record."""
    parents: tuple[str, ...]
    """Cells whose outputs this one was given."""
    started: datetime
    ended: datetime
    """When the answer came; the table is partitioned by its day."""
    attempts: int
    run: str
    """The run by which the row came to be as it is."""
    saved_by: str | None
    """The account that wrote the row, as BigQuery knows it."""
    record_sha256: str | None
    """Digest of the record's title, text, sections and pictures."""
    answer_digest: str
    """Digest of all but the times, the run and the trace: rows with the same one are not written again."""
    trace: str | None
    """The cell's line of answers.jsonl: input, exact messages, raw replies; NULL where it is larger than 8 MB."""


class RunCell(Frozen):
    """One row: a cell that a run has, also where its row among the cells is that of an earlier run."""

    study: str
    owner: str | None
    run: str
    started: datetime
    """When the run started; the table is partitioned by its day."""
    flow: str
    cell_id: str
    answer_digest: str
    """The digest that the cell had in this run; where its row has another one now, a later run has changed it."""


def saved_cell(trace: AgentTrace, run: str, study: str = "", owner: str | None = None) -> SavedCell:
    """The row of a cell of the run `run`; without a `study`, its flow stands for it. BigQuery fills in `saved_by`."""
    row = cell_row(trace)
    record = trace.input.record
    cost = trace.cost_usd
    text = trace.model_dump_json()
    fields: dict[str, Any] = {
        **{name: row.get(name) for name in (*IDENTITY_COLUMNS, *OUTCOME_COLUMNS)},
        "cost_usd": None if cost is None else cost.quantize(_COST_QUANTUM),
        "variant": _json_column_value(trace.variant),
        "value": _json_column_value(trace.value),
        "metadata": _json_column_value(record.metadata or None),
        "ground_truth": _json_column_value(record.ground_truth),
        "parents": trace.parents,
    }
    return SavedCell(
        **fields,
        study=study or trace.flow,
        owner=owner,
        started=trace.started,
        ended=trace.ended,
        attempts=trace.attempts,
        run=run,
        saved_by=None,
        record_sha256=record.content_sha256,
        answer_digest=digest({**fields, "cost_usd": str(fields["cost_usd"])}),
        trace=text if len(text.encode()) <= MAX_TRACE_BYTES else None,
    )


def _json_column_value(value: Any) -> Any:
    """The value for a JSON column; a number beyond 64 bits becomes text, since it would stop the whole load."""
    return _large_numbers_as_text(thawed(value))


def _large_numbers_as_text(value: JsonValue) -> JsonValue:
    if isinstance(value, dict):
        return {key: _large_numbers_as_text(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_large_numbers_as_text(item) for item in value]
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return str(value)
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
