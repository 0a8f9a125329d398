"""Two workers share the limits of a model, and one of them is killed with SIGKILL.

uv run pytest -m deployments tests/shards/test_limits_of_workers.py -n 0 -s      BUTTERMILK_RECORDS=600 for more
"""

from __future__ import annotations

import csv
import os
import time
from collections.abc import Generator
from decimal import Decimal
from pathlib import Path

import pytest

from tests.shards.cluster import Cluster, kill_with_children, prepared_cluster, runs_of
from tests.support.commands import run_folders, wait_until
from tests.support.judging import MODELS, billed_usd
from tests.support.services import FakeService, fake_service

RECORDS = int(os.environ.get("BUTTERMILK_RECORDS", "60"))
PER_MINUTE = max(RECORDS // 4, 30)
"""Requests of each model; a run without it would be much faster."""
SHARDS, AT_ONCE = 4, 8
CELLS = RECORDS * len(MODELS)


@pytest.fixture
def service() -> Generator[FakeService]:
    """The model service, slow enough that calls are in flight at a kill."""
    with fake_service(latency=1.0) as running:
        yield running


@pytest.mark.deployments
@pytest.mark.timeout(1800)
def test_limits_hold_over_shards_and_a_killed_worker(tmp_path: Path, service: FakeService) -> None:
    study = {"criteria": ("plain",), "requests_per_minute": PER_MINUTE}
    with prepared_cluster(tmp_path, service, RECORDS, AT_ONCE, lost_after=30, **study) as cluster:
        workers = [cluster.start_worker(limit=3) for _ in range(2)]
        started = time.perf_counter()
        run = cluster.start_run(shards=SHARDS)
        wait_until(lambda: service.calls() > CELLS // 3, "a third of the calls", 600)
        victim = next(worker for worker in workers if str(run) not in runs_of(worker))
        killed = len(runs_of(victim))
        kill_with_children(victim)
        in_flight = len(service.stats()["by_key"]) - cluster.kept_replies()
        ended = cluster.wait_for_run(run, 1500)
        assert ended.state_name == "Completed" and killed, ended.state
        wait_until(lambda: cluster.running() == (0, 0), lambda: f"no run Running: {cluster.running()}", 30, pause=0.2)
        seconds = time.perf_counter() - started
    stats, spend, cells = service.stats(), cluster.last_manifest()["spend"], _cells(cluster)
    repeated = sum(stats["by_key"].values()) - len(stats["by_key"])
    reported = sum(Decimal(spend[name]) for name in ("paid_usd", "kept_usd", "repeated_usd"))
    print(f"\n{RECORDS} records x {len(MODELS)} models, {SHARDS} shards, 2 workers, one killed with {killed} runs")
    print(f"  rows {len(cells)}, different {len(set(cells))}, {seconds:.0f} s; Running (0, 0)")
    print(f"  in flight {in_flight}, calls repeated {repeated}, reported as repeated {spend['repeated_calls']}")
    print(f"  billed ${billed_usd(service)}, reported ${reported}")
    print(f"  most requests in a minute {stats['most_per_minute']}, limit {PER_MINUTE}")
    assert len(cells) == len(set(cells)) == CELLS == len(stats["by_key"])
    assert repeated <= in_flight and billed_usd(service) <= reported
    assert max(stats["most_per_minute"].values()) <= PER_MINUTE


def _cells(cluster: Cluster) -> list[str]:
    [folder] = run_folders(cluster.cli, cluster.flow)
    with (folder / "cells.csv").open(encoding="utf-8", newline="") as file:
        return [row["cell_id"] for row in csv.DictReader(file)]
