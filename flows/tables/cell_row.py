"""Makes the row of a cell: its identity, outcome and cost, and its value, metadata and ground truth, flattened.

Nothing in `cell_row` depends on when or how often the cell was run: the same answers give the same rows.
"""

from __future__ import annotations

from contract.calls import ModelCall
from contract.messages import AgentTrace
from flows.tables.flatten import Scalar, column_key, flatten
from flows.tables.ground_truth import GroundTruth
from flows.tables.identity import criterion_name, model_name, other_dimensions

IDENTITY_COLUMNS = ("cell_id", "flow", "step", "agent", "agent_version", "record_id", "variant_id", "model", "criteria")
"""Columns before the columns `variant.…`."""
OUTCOME_COLUMNS = (
    "repeat", "round", "status", "note", "error_kind", "error", "quality", "finish_reason", "served_by",
    "calls", "input_tokens", "output_tokens", "cost_usd",
)  # fmt: skip
"""Columns after the columns `variant.…`."""
FLATTENED_PREFIXES = ("value", "metadata", "ground_truth")
"""Prefixes of the columns after OUTCOME_COLUMNS, in this order."""
TRUTH_COLUMN = "truth"
"""The last column, of studies: people's verdict on the record by the cell's criterion, as `measures` maps it."""
INTEGER_COLUMNS = frozenset({"repeat", "round", "calls", "input_tokens", "output_tokens"})
TIMING_COLUMNS = (
    "cell_id", "step", "record_id", "started", "ended", "seconds", "attempts", "calls_paid", "calls_kept",
    "calls_failed",
)  # fmt: skip
"""The columns of `timings.csv`, which differ from run to run."""


def cell_row(trace: AgentTrace, ground_truth: GroundTruth | None = None) -> dict[str, Scalar]:
    """A cell as column -> value; columns without a value are left out. `ground_truth` is that of a study."""
    replies = [call.reply for call in trace.calls if call.reply]
    cost, usage = trace.cost_usd, trace.usage
    row: dict[str, Scalar] = {
        "cell_id": trace.cell_id,
        "flow": trace.flow,
        "step": trace.step,
        "agent": trace.agent,
        "agent_version": trace.agent_version,
        "record_id": trace.record_id,
        "variant_id": trace.variant_id,
        "model": model_name(trace),
        "criteria": criterion_name(trace),
        "repeat": trace.repeat,
        "round": trace.round,
        "status": trace.status,
        "note": trace.note,
        "error_kind": trace.error.kind if trace.error else None,
        "error": trace.error.message if trace.error else None,
        "quality": replies[-1].quality if replies else None,
        "finish_reason": trace.finish_reason,
        "served_by": replies[-1].served_by if replies else None,
        "calls": len(replies),
        "input_tokens": usage.input_tokens if usage else None,
        "output_tokens": usage.output_tokens if usage else None,
        "cost_usd": None if cost is None else float(cost),
        **_flattened(trace),
        TRUTH_COLUMN: _truth(trace, ground_truth),
    }
    return {name: value for name, value in row.items() if value is not None}


def _flattened(trace: AgentTrace) -> dict[str, Scalar]:
    record = trace.input.record
    columns = dict[str, Scalar]()
    for name, value in other_dimensions(trace).items():
        columns.update(flatten(f"variant.{column_key(name)}", value))
    for prefix, value in zip(
        FLATTENED_PREFIXES, (trace.value, record.metadata or None, record.ground_truth), strict=True
    ):
        columns.update(flatten(prefix, value))
    return columns


def _truth(trace: AgentTrace, ground_truth: GroundTruth | None) -> str | None:
    reading = ground_truth.read(trace.input.record, criterion_name(trace) or "") if ground_truth else None
    return reading.verdict if reading else None


def timing_row(trace: AgentTrace) -> dict[str, Scalar]:
    """When the cell ran in this run, for how long, and how many of its calls were paid for in it."""
    return {
        "cell_id": trace.cell_id,
        "step": trace.step,
        "record_id": trace.record_id,
        "started": trace.started.isoformat(),
        "ended": trace.ended.isoformat(),
        "seconds": round((trace.ended - trace.started).total_seconds(), 6),
        "attempts": trace.attempts,
        "calls_paid": sum(_is_paid(call) for call in trace.calls),
        "calls_kept": sum(call.from_cache for call in trace.calls),
        "calls_failed": sum(call.reply is None for call in trace.calls),
    }


def _is_paid(call: ModelCall) -> bool:
    return call.reply is not None and not call.from_cache


def order_columns(columns: set[str]) -> list[str]:
    """All columns in the order of the tables: the fixed ones, and the flattened ones sorted within their prefix."""

    def with_prefix(prefix: str) -> list[str]:
        return sorted(name for name in columns if name == prefix or name.startswith(f"{prefix}."))

    return [
        *IDENTITY_COLUMNS,
        *with_prefix("variant"),
        *OUTCOME_COLUMNS,
        *(name for prefix in FLATTENED_PREFIXES for name in with_prefix(prefix)),
        *(TRUTH_COLUMN for _ in columns & {TRUTH_COLUMN}),
    ]
