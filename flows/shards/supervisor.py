"""Supervisor: splits the records of a deployed run over child runs of the same deployment, and watches them.

Any number of workers takes up the child runs. A child run writes a heartbeat to the result storage. When its worker is
gone the heartbeat stops; the child run is marked Crashed, and its shard is run again with the replies that it kept.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal
from typing import Any
from uuid import UUID

from prefect import get_run_logger
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.responses import SetStateStatus
from prefect.client.schemas.sorting import FlowRunSort
from prefect.deployments.flow_runs import arun_deployment
from prefect.states import Crashed

from contract.base import JsonValue
from contract.errors import RunError, StudyError
from contract.record import Record
from flows.accounting.ledger import Totals
from flows.check.deployment import deployment_problems
from flows.engine.records import shard_of
from flows.results.heartbeat import HeartbeatMonitor, heartbeat, heartbeat_path
from flows.results.open import result_store
from flows.results.store import ResultStore
from flows.server.crashed_runs import end_below
from flows.server.current_flow_run import current_flow_run
from flows.shards.shard_result import ShardResult, read_shard
from flows.spec.study import Study

MAX_ATTEMPTS = 3
"""How often a shard is started before a run gives it up."""
WORKER_START_SECONDS = 600.0
"""How long a worker may take from taking up a child run to its first heartbeat: it may have to fetch an image first."""
_POLL_SECONDS = 1.0
_IDLE_WARNING_SECONDS = 60.0


@dataclass
class Shard:
    """One part of the records, and the child run that it is given to."""

    number: int
    record_count: int
    flow_run_id: UUID | None = None
    lost_run_ids: list[UUID] = field(default_factory=list[UUID])
    """Earlier child runs of this shard whose workers are gone."""
    paid_usd: Decimal = Decimal(0)
    """US dollars that the lost child runs are known to have paid."""
    result: ShardResult | None = None
    failure: str = ""


def check_deployment(study: Study) -> None:
    """Raises StudyError when `shards` are set for a run that no deployment started."""
    if _deployment() is None and (problems := deployment_problems(study)):
        raise StudyError(problems)


@contextmanager
def run_heartbeat(study: Study, owner: str, totals: Totals) -> Generator[None]:
    """Writes a heartbeat of the run `owner`, with the US dollars that it has paid, for the length of the block."""
    store = result_store(study.run.results)
    with heartbeat(store, owner, study.run.lost_after_seconds, lambda: {"paid_usd": str(totals.cost_usd)}):
        yield


async def run_shards(study: Study, records: Sequence[Record]) -> list[Shard]:
    """Runs every shard to its end; starts those of lost workers again.

    Raises RunError when a shard failed, after all others have ended.
    """
    deployment = _deployment()
    if deployment is None:
        raise RunError("only a run that a deployment started can be split over workers")
    sizes = Counter(shard_of(record, study.run.shards) for record in records)
    shards = [Shard(number, sizes[number]) for number in sorted(sizes)]
    async with get_client() as client:
        supervisor = _ShardSupervisor(study, deployment, client, result_store(study.run.results), len(records))
        await supervisor.run_until_ended(shards)
    if failures := [shard.failure for shard in shards if shard.failure]:
        raise RunError("\n".join([*failures, "What the other shards have paid for is kept: run again to go on."]))
    return shards


class _ShardSupervisor:
    def __init__(self, study: Study, deployment: UUID, client: PrefectClient, store: ResultStore, records: int) -> None:
        self._study = study
        self._deployment = deployment
        self._client = client
        self._store = store
        self._records = records
        self._heartbeats = HeartbeatMonitor(store)
        self._log = get_run_logger()
        self._idle_since = time.monotonic()

    async def run_until_ended(self, shards: Sequence[Shard]) -> None:
        """Starts each shard, and watches the child runs until all have ended."""
        for shard in shards:
            await self._start_shard(shard)
        while waiting := {shard.flow_run_id: shard for shard in shards if not (shard.result or shard.failure)}:
            # The server does not report a worker that is gone, so the server and the storage are polled.
            await asyncio.sleep(_POLL_SECONDS)
            runs = await self._read_flow_runs([run for run in waiting if run])
            self._warn_if_idle(runs)
            for run in runs:
                await self._check_shard(waiting[run.id], run)

    async def _read_flow_runs(self, ids: Sequence[UUID]) -> list[FlowRun]:
        wanted = FlowRunFilter(id=FlowRunFilterId(any_=list(ids)))
        # `sort` and `limit` have to be given: the client otherwise sends nulls, which the server refuses.
        return await self._client.read_flow_runs(
            flow_run_filter=wanted, sort=FlowRunSort.EXPECTED_START_TIME_ASC, limit=len(ids)
        )

    def _warn_if_idle(self, runs: Sequence[FlowRun]) -> None:
        if not all(run.state and run.state.is_scheduled() for run in runs):
            self._idle_since = time.monotonic()
        elif time.monotonic() - self._idle_since > _IDLE_WARNING_SECONDS:
            self._idle_since = time.monotonic()
            self._log.warning(
                "No worker has taken up any of %s shards. Is one running, with room for more runs than this one? "
                "See `prefect worker start --limit`.", len(runs),
            )  # fmt: skip

    async def _start_shard(self, shard: Shard) -> None:
        if len(shard.lost_run_ids) >= MAX_ATTEMPTS:
            shard.failure = f"shard {self._label(shard)} was lost {MAX_ATTEMPTS} times; look at the logs of its workers"
            return
        started: Any = arun_deployment(
            self._deployment, client=self._client, parameters=self._parameters(shard), timeout=0
        )
        run: FlowRun = await started
        shard.flow_run_id = run.id

    def _parameters(self, shard: Shard) -> dict[str, JsonValue]:
        parameters = {
            name: value for name, value in self._study.request.items() if value is not None and name != "shards"
        }
        budget = self._study.run.budget
        if budget is not None:
            share = budget * shard.record_count / self._records - shard.paid_usd
            parameters["budget"] = float(max(share, Decimal(0)).quantize(Decimal("0.000001"), ROUND_DOWN))
        return {**parameters, "shard": self._label(shard)}

    def _label(self, shard: Shard) -> str:
        return f"{shard.number}/{self._study.run.shards}"

    async def _check_shard(self, shard: Shard, run: FlowRun) -> None:
        state = run.state
        if state is None or state.is_scheduled():
            return
        if not state.is_final():
            if await self._is_lost(run) and await self._mark_crashed(run):
                await self._restart_shard(shard, run, "its worker sent no heartbeat")
            return
        shard.result = await read_shard(self._store, str(run.id))
        if shard.result is None and state.is_crashed():
            await self._restart_shard(shard, run, state.message or "its process ended")
        elif shard.result is None:
            shard.failure = f"shard {self._label(shard)} ended as {state.name}: {state.message}"

    async def _is_lost(self, run: FlowRun) -> bool:
        silent_seconds = await self._heartbeats.seconds_since_beat(str(run.id))
        has_begun = bool(await self._heartbeats.last_payload(str(run.id)))
        return silent_seconds > (self._study.run.lost_after_seconds if has_begun else WORKER_START_SECONDS)

    async def _mark_crashed(self, run: FlowRun) -> bool:
        """Marks the run Crashed. Returns False when the server refuses, because the run has ended in the meantime."""
        seconds = self._study.run.lost_after_seconds
        message = f"No heartbeat for {seconds:.0f} s: its worker is considered lost, and the shard is run again."
        response = await self._client.set_flow_run_state(run.id, Crashed(message=message))
        return response.status == SetStateStatus.ACCEPT

    async def _restart_shard(self, shard: Shard, run: FlowRun, why: str) -> None:
        last_payload = await self._heartbeats.last_payload(str(run.id))
        shard.paid_usd += Decimal(last_payload.get("paid_usd", "0"))
        shard.lost_run_ids.append(run.id)
        self._store.remove(heartbeat_path(str(run.id)))
        # Prefect ends the child run, and not its task runs.
        await end_below(self._client, run.id)
        self._log.warning("Shard %s is run again: %s", self._label(shard), why)
        await self._start_shard(shard)


def _deployment() -> UUID | None:
    flow_run = current_flow_run()
    return flow_run.deployment_id if flow_run else None


def shards_manifest(shards: Sequence[Shard]) -> list[Mapping[str, JsonValue]]:
    """The shards as the manifest lists them."""
    return [
        {
            "shard": shard.number,
            "records": shard.record_count,
            "flow_run_id": str(shard.flow_run_id),
            "lost": [str(run) for run in shard.lost_run_ids],
        }
        for shard in shards
    ]
