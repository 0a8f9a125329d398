"""Eight shards on three workers, one of them killed with SIGKILL: each cell once, and only calls in flight paid twice.

uv run pytest -m deployments tests/shards -s          BUTTERMILK_CELLS=240 for a shorter one

On PostgreSQL, which several workers need; BUTTERMILK_DATABASE=sqlite for SQLite.
"""

from __future__ import annotations

import csv
import json
import os
import time
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.shards.cluster import Cluster, kill_with_children, prepared_cluster, runs_of
from tests.support.commands import run_folders, wait_until
from tests.support.judging import CRITERIA, MODELS
from tests.support.services import FakeService, fake_service

CELLS = int(os.environ.get("BUTTERMILK_CELLS", "2000"))
RECORDS = CELLS // (len(CRITERIA) * len(MODELS)) + 1
AT_ONCE, LATENCY, LOST_AFTER = 8, 1.0, 12
SHARDS, WORKERS = 8, 3


@pytest.fixture
def service() -> Generator[FakeService]:
    """The model service, slow enough for workers to wait for it most of the time."""
    with fake_service(LATENCY) as running:
        yield running


@pytest.fixture
def cluster(tmp_path: Path, service: FakeService) -> Generator[Cluster]:
    """The server and the study, without workers yet."""
    with prepared_cluster(tmp_path, service, RECORDS, AT_ONCE, LOST_AFTER) as prepared:
        yield prepared


@pytest.mark.deployments
@pytest.mark.timeout(1800)
def test_a_worker_killed_under_its_shards_costs_only_calls_in_flight(cluster: Cluster, service: FakeService) -> None:
    cells = RECORDS * len(CRITERIA) * len(MODELS)
    for _ in range(WORKERS):
        cluster.start_worker(limit=2)
    started = time.perf_counter()
    run = cluster.start_run(shards=SHARDS)
    wait_until(lambda: service.calls() > cells // 4, "a quarter of the calls", 300)
    victim = next(worker for worker in cluster.workers if str(run) not in runs_of(worker) and runs_of(worker))
    most_in_flight = len(runs_of(victim)) * AT_ONCE
    kill_with_children(victim)
    in_flight = len(service.stats()["by_key"]) - cluster.kept_replies()
    ended = cluster.wait_for_run(run)
    sharded = time.perf_counter() - started

    stats = service.stats()
    repeated = sum(stats["by_key"].values()) - len(stats["by_key"])
    [folder] = run_folders(cluster.cli, "judged")
    with (folder / "cells.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    lost = [part["shard"] for part in manifest["shards"] if part["lost"]]
    print(f"\n{cells} cells, {SHARDS} shards, {WORKERS} workers, one killed; {AT_ONCE} calls of {LATENCY} s in each")
    print(f"  shards lost and run again {lost}")
    print(f"  calls in flight {in_flight}, at most {most_in_flight} of the killed worker; repeated {repeated}")
    print(f"  rows {len(rows)}, different cells {len({row['cell_id'] for row in rows})}, {ended.state_name}")
    print(f"  wall time {sharded:.0f} s")
    assert ended.state_name == "Completed"
    assert len(rows) == len({row["cell_id"] for row in rows}) == cells == len(stats["by_key"])
    assert {row["status"] for row in rows} == {"completed"}
    assert repeated <= min(in_flight, most_in_flight)
    assert lost

    _one_worker(cluster, service, sharded)


def _one_worker(cluster: Cluster, service: FakeService, sharded: float) -> None:
    """The same study without shards, on one worker that starts from nothing."""
    cluster.stop()
    service.reset()
    cluster.cli.results.rename(cluster.cli.folder / "results-of-shards")
    cluster.workers.clear()
    cluster.start_worker(limit=1)
    started = time.perf_counter()
    ended = cluster.run()
    alone = time.perf_counter() - started
    print(f"  one worker without shards {alone:.0f} s: the shards took {sharded / alone:.2f} of that")
    assert ended.state_name == "Completed"
    first, second = ((folder / "cells.csv").read_bytes() for folder in run_folders(cluster.cli, "judged"))
    assert len(first.splitlines()) == len(second.splitlines())
