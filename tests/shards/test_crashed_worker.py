"""One worker, killed with SIGKILL together with a run and its two shards: when the run is started again, nothing
stays Running, only calls in flight are repeated, and what is reported is what was billed.

uv run pytest -m deployments tests/shards/test_crashed_worker.py -n 0 -s
"""

from __future__ import annotations

from collections.abc import Generator
from decimal import Decimal
from pathlib import Path

import pytest

from tests.shards.cluster import kill_with_children, prepared_cluster
from tests.support.commands import wait_until
from tests.support.judging import CRITERIA, MODELS, billed_usd
from tests.support.services import FakeService, fake_service

RECORDS, SHARDS, AT_ONCE = 20, 2, 8
CELLS = RECORDS * len(CRITERIA) * len(MODELS)


@pytest.fixture
def service() -> Generator[FakeService]:
    """The model service, slow enough that calls are in flight at a kill."""
    with fake_service(latency=1.0) as running:
        yield running


@pytest.mark.deployments
def test_when_a_worker_dies_with_all_its_runs_nothing_stays_running(tmp_path: Path, service: FakeService) -> None:
    with prepared_cluster(tmp_path, service, RECORDS, AT_ONCE, lost_after=12) as cluster:
        worker = cluster.start_worker(limit=4)
        cluster.start_run(shards=SHARDS)
        wait_until(lambda: service.calls() > CELLS // 3, "a third of the calls", 240)
        kill_with_children(worker)
        in_flight = len(service.stats()["by_key"]) - cluster.kept_replies()
        left = cluster.running()
        cluster.start_worker(limit=4)
        ended = cluster.run(shards=SHARDS)
        wait_until(lambda: cluster.running() == (0, 0), lambda: f"no run Running: {cluster.running()}", 30, pause=0.2)
        stats, spend = service.stats(), cluster.last_manifest()["spend"]
    repeated = sum(stats["by_key"].values()) - len(stats["by_key"])
    reported = sum(Decimal(spend[name]) for name in ("paid_usd", "kept_usd", "repeated_usd"))
    print(f"\n{CELLS} cells in {SHARDS} shards, killed with the worker; Running then {left}, at the end (0, 0)")
    print(f"  in flight {in_flight}, calls repeated {repeated}, reported as repeated {spend['repeated_calls']}")
    print(f"  billed ${billed_usd(service)}, reported ${reported}")
    assert ended.state_name == "Completed"
    assert left[0] > 0 and left[1] == SHARDS + 1
    assert len(stats["by_key"]) == CELLS and repeated <= in_flight
    # A call may be written down and killed before it is sent.
    assert 0 <= spend["repeated_calls"] - repeated <= SHARDS * AT_ONCE
    assert billed_usd(service) <= reported
    if spend["repeated_calls"] == repeated:
        assert reported == billed_usd(service)
