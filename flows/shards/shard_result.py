"""ShardResult: the answers of a shard. The result storage passes them on to the run that the shard belongs to.

The answers are written first and the file with their sums after them. So when the sums are there, the answers are
complete.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

from contract.base import JsonValue
from contract.calls import Usage
from contract.errors import RunError, StorageError
from contract.messages import AgentTrace
from contract.record import Record
from flows.accounting.costs import Costs
from flows.accounting.ledger import Totals
from flows.engine.records import shard_of
from flows.results.store import ResultStore
from flows.storage.rows import Reject

COPY_CHUNK_BYTES = 1 << 20
"""Bytes copied at a time."""


@dataclass(frozen=True)
class ShardResult:
    """The sums of one shard. Its answers are in the result storage."""

    run: str
    """Id of the flow run that ran the shard."""
    manifest: Mapping[str, Any]
    task_runs: int
    results: Sequence[JsonValue]
    """For each of its records, in their order, the output of the flow's `result` step."""
    rejects: Sequence[Reject]
    costs: Sequence[Any] = ()
    """`Costs.as_json`."""
    waiting: Sequence[Mapping[str, Any]] = ()
    """The open questions to people."""


async def publish_shard(store: ResultStore, result: ShardResult, answers: Path) -> None:
    """Writes the shard's answers and sums to the storage, for the run that waits for them. Raises StorageError."""
    payload = {**vars(result), "rejects": [asdict(reject) for reject in result.rejects]}
    try:
        await asyncio.to_thread(store.upload_file, _shard_path(result.run, "answers.jsonl"), answers)
        await asyncio.to_thread(
            store.put, _shard_path(result.run, "sums.json"), json.dumps(payload, default=str).encode()
        )
    except OSError as error:
        raise StorageError(f"the answers of this shard cannot be written to the result storage: {error}") from error


async def read_shard(store: ResultStore, run: str) -> ShardResult | None:
    """The result that the shard of that flow run has published, or None. Raises StorageError."""
    try:
        payload: dict[str, Any] = json.loads(await store.aread_path(_shard_path(run, "sums.json")))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageError(f"the answers of a shard cannot be read: {error}") from error
    payload["rejects"] = [Reject(**reject) for reject in payload["rejects"]]
    return ShardResult(**payload)


def merge_answers(store: ResultStore, shards: Sequence[ShardResult], into: Path) -> None:
    """Writes the answers of all shards into one file, a chunk at a time. Raises RunError when cells are missing."""
    part, shard_file = into.with_suffix(".jsonl.part"), into.with_suffix(".jsonl.shard")
    with part.open("wb") as merged:
        for shard in shards:
            store.download_file(_shard_path(shard.run, "answers.jsonl"), shard_file)
            lines = 0
            with shard_file.open("rb") as file:
                while chunk := file.read(COPY_CHUNK_BYTES):
                    lines += chunk.count(b"\n")
                    merged.write(chunk)
            cells = sum(shard.manifest["cells"].values())
            if lines != cells:
                raise RunError(f"the shard of the flow run {shard.run} has written {lines} cells, but counted {cells}")
    shard_file.unlink(missing_ok=True)
    part.replace(into)


def remove_shards(store: ResultStore, shards: Iterable[ShardResult]) -> None:
    """Deletes the published files of the shards, after they have been merged."""
    for shard in shards:
        for name in ("sums.json", "answers.jsonl"):
            store.remove(_shard_path(shard.run, name))


def merge_results(
    records: Sequence[Record], shards: Mapping[int, ShardResult], shard_count: int
) -> list[tuple[Record, JsonValue]]:
    """Each record with its result, in the order of the records. Raises RunError when a shard ran other records."""
    iterators = {number: iter(shard.results) for number, shard in shards.items()}
    try:
        found = [(record, next(iterators[shard_of(record, shard_count)])) for record in records]
    except (KeyError, StopIteration):
        found = None
    if found is None or any(True for rest in iterators.values() for _ in rest):
        raise RunError("the records changed while the shards ran; run again, and only what is new is asked")
    return found


def merge_totals(shards: Iterable[ShardResult]) -> Totals:
    """The totals of all shards together."""
    totals = Totals()
    for shard in shards:
        _add_manifest(totals, shard.manifest)
        totals.task_runs += shard.task_runs
        totals.costs.merge(Costs.from_json(shard.costs))
    return totals


def count_lost_payments(totals: Totals, traces: Iterable[AgentTrace], lost_runs: Set[str]) -> None:
    """Counts as paid what lost shards had paid: the shards that went on from there count it as kept."""
    seen = set[str]()
    for trace in traces:
        for call in trace.calls:
            reply = call.reply
            if reply is None or reply.paid_by_run not in lost_runs or call.key in seen:
                continue
            seen.add(call.key)
            totals.calls_kept -= 1
            totals.count_kept(reply, -1)
            totals.count_paid(reply)
            totals.costs.move_to_paid(trace, reply)


def _add_manifest(totals: Totals, manifest: Mapping[str, Any]) -> None:
    totals.cells.update(manifest["cells"])
    for step, counts in manifest["cells_by_step"].items():
        totals.by_step.setdefault(step, Counter()).update(counts)
    for model, versions in manifest["served_by"].items():
        totals.served_by.setdefault(model, set()).update(versions)
    totals.usage = totals.usage + Usage.model_validate(manifest["usage"])
    totals.calls_paid += manifest["calls"]["paid"]
    totals.calls_kept += manifest["calls"]["kept"]
    spend = cast("Mapping[str, Any]", manifest["spend"])
    totals.cost_usd += Decimal(spend["paid_usd"])
    totals.cost_kept_usd += Decimal(spend["kept_usd"])
    totals.kept_unknown += spend["kept_unknown_calls"]
    totals.cost_repeated_usd += Decimal(spend["repeated_usd"])
    totals.calls_repeated += spend["repeated_calls"]
    totals.cost_unknown += spend["unknown_calls"]
    totals.calls_unanswered += spend["unanswered_calls"]
    totals.cost_unanswered_usd += Decimal(spend["unanswered_usd"])
    totals.unanswered_unknown += spend["unanswered_unknown_calls"]


def _shard_path(run: str, name: str) -> str:
    return f"shards/{run}/{name}"
