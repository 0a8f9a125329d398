"""Scale: 10,000 records x 3 models, 30,000 calls of 200 ms, 50 at once, as one command: with the server that it starts
itself, whether its database exists or not, and with a running Prefect server on SQLite and on PostgreSQL.

uv run pytest -m benchmark tests/benchmarks/test_scale.py -s        BUTTERMILK_RECORDS=1000 for a shorter one
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.support.commands import CommandLine, run_folders
from tests.support.databases import DATABASES
from tests.support.judging import MODELS, make_posts, write_study
from tests.support.services import FakeService, fake_service, prefect_server

RECORDS = int(os.environ.get("BUTTERMILK_RECORDS", "10000"))
AT_ONCE, LATENCY = 50, 0.2
TARGETS = {"own": 1.5, "first": 1.5, "postgresql": 1.5, "sqlite": 2.0}
"""Seconds of the command divided by the seconds of bare calls. `first` is the first run on a machine, which also makes
Prefect's database.

A shared server that keeps its events in SQLite is the slowest and differs from run to run: PostgreSQL is for shared
servers.
"""
MOST_MEGABYTES = 600
BARE_CALLS = min(RECORDS * 3, 3000)
"""Bare calls all take the same time, so a part of them shows how long all would take."""


@pytest.fixture
def service() -> Generator[FakeService]:
    """The fake service in a process of its own."""
    with fake_service(LATENCY) as running:
        yield running


async def seconds_per_bare_call(url: str) -> float:
    """Seconds for one call, 50 at once, without a flow."""
    slots = asyncio.Semaphore(AT_ONCE)
    async with httpx.AsyncClient(limits=httpx.Limits(max_connections=AT_ONCE)) as client:

        async def call(number: int) -> None:
            async with slots:
                asked = {"model": "bare", "messages": [{"role": "user", "content": f"post {number} " + "word " * 300}]}
                (await client.post(f"{url}/v1/chat/completions", json=asked)).json()

        started = time.perf_counter()
        await asyncio.gather(*(call(number) for number in range(BARE_CALLS)))
        return (time.perf_counter() - started) / BARE_CALLS


@contextmanager
def prefect_server_of_kind(kind: str, cli: CommandLine) -> Generator[dict[str, str]]:
    """Runs a server of that kind for the length of the block; yields environment variables for the command."""
    if kind in ("own", "first"):
        yield {}
        return
    (cli.folder / "server").mkdir()
    with DATABASES[kind]() as settings, prefect_server(cli.folder / "server", **settings) as api:
        yield {"PREFECT_API_URL": api}


def task_runs(api: str) -> int:
    """How many task runs the server holds."""
    return httpx.post(f"{api}/task_runs/count", json={}).json()


def kept_task_runs(cli: CommandLine) -> int:
    """How many task runs a server shows that starts after the command and its own server have ended."""
    with prefect_server(cli.folder, PREFECT_HOME=cli.environment()["PREFECT_HOME"]) as api:
        return task_runs(api)


@pytest.mark.benchmark
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("server", ["own", "first", *DATABASES])
def test_thirty_thousand_calls_are_all_there_in_flat_memory(
    server: str, tmp_path: Path, service: FakeService, prefect_database: Path
) -> None:
    cli = CommandLine(tmp_path)
    if server == "own":
        cli.use_database(prefect_database)
    before = asyncio.run(seconds_per_bare_call(service.url))
    service.reset()
    # Twice as many cells as calls: before and after its call, a cell must not take the place of a call.
    study = write_study(
        cli.folder / "study", service.url, make_posts(RECORDS), concurrency=2 * AT_ONCE, max_concurrent_calls=AT_ONCE
    )
    flow = study / "flows" / "judged.yaml"
    flow.write_text(flow.read_text(encoding="utf-8").replace('["plain", "strict"]', '["plain"]'), encoding="utf-8")
    cells, marks, memory = RECORDS * len(MODELS), [1_000, 10_000, 30_000], dict[int, float]()
    with prefect_server_of_kind(server, cli) as variables:
        started = time.perf_counter()
        command = cli.start("flows", "+flows=[judged]", "--config-dir", str(study), "--json", **variables)
        called = most = 0.0
        while command.running:
            time.sleep(0.25)
            calls, most = service.calls(), max(most, command.megabytes())
            called = time.perf_counter() - started if calls < cells or not called else called
            for mark in marks:
                if calls >= min(mark, cells) and mark not in memory and command.running:
                    memory[mark] = command.megabytes()
        seconds = time.perf_counter() - started
        done = command.wait(60)
        recorded = task_runs(variables["PREFECT_API_URL"]) if variables else kept_task_runs(cli)
    counted = service.calls()
    # The quicker of the two: a slow moment of this machine must not make the ratio look better.
    alone = min(before, asyncio.run(seconds_per_bare_call(service.url))) * cells
    print(f"\n{cells} calls of {LATENCY} s, {AT_ONCE} at once, server: {server}")
    print(f"  bare httpx            {alone:7.1f} s")
    print(f"  until the last call   {called:7.1f} s   {called / alone:.2f} x")
    print(f"  whole command         {seconds:7.1f} s   {seconds / alone:.2f} x, report and recording included")
    print(f"  memory, MB            {memory}, at the most {most:.0f}")
    print(f"  task runs on the server {recorded}")
    assert done.exit_code == 0, done.transcript[-2000:]
    assert json.loads(done.stdout)["cells"] == {"completed": cells}
    assert counted == cells and recorded >= cells
    folder = run_folders(cli, "judged")[-1]
    lines, report = (folder / "cells.csv").read_bytes().count(b"\n"), (folder / "report.html").stat().st_size
    print(f"  lines of cells.csv    {lines}, report {report:,} bytes")
    assert max(memory.values()) <= MOST_MEGABYTES
    assert seconds / alone <= TARGETS[server]
