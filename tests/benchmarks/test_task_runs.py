"""10,000 task runs, each a cell of a flow, on a Prefect server with SQLite and with PostgreSQL: none may be missing.

uv run pytest -m benchmark tests/benchmarks/test_task_runs.py -s        BUTTERMILK_RECORDS=1000 for a shorter one
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.support.agents import register_test_agents
from tests.support.databases import DATABASES
from tests.support.running import Lab
from tests.support.services import prefect_server

RECORDS = int(os.environ.get("BUTTERMILK_RECORDS", "10000"))
FLOW = """\
description: One cell a record.
records: posts
steps:
  say: {agent: echo}
result: say
"""


@pytest.mark.benchmark
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("database", DATABASES)
async def test_no_task_run_is_missing(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    register_test_agents(monkeypatch)
    (tmp_path / "server").mkdir()
    in_use = DATABASES[database]()
    with in_use as settings, prefect_server(tmp_path / "server", **settings) as api:
        lab = Lab(tmp_path / "study", api)
        lab.write_posts([{"record_id": f"r{n}", "text": f"post {n}"} for n in range(RECORDS)])
        lab.write("flows/tiny.yaml", FLOW)
        started = time.perf_counter()
        ran = await lab.run()
        seconds = time.perf_counter() - started
    print(f"\n{RECORDS} task runs, {database}")
    print(f"  the flow     {ran.seconds:6.1f} s   {RECORDS / ran.seconds:5.0f} a second")
    speed = RECORDS / ran.drain_seconds
    print(f"  all recorded {ran.drain_seconds:6.1f} s   {speed:5.0f} a second, {ran.lost_task_runs} missing")
    print(f"  read again   {seconds:6.1f} s   {len(ran.server.cells)} there")
    assert (ran.lost_task_runs, len(ran.server.cells)) == (0, RECORDS)
    assert {run.state_name for run in ran.server.cells} == {"Completed"}
