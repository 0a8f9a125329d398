"""10,000 task runs, each a cell of a flow, on a Prefect server with SQLite and with PostgreSQL: none may be missing.

uv run pytest -m benchmark tests/benchmarks/test_task_runs.py -s        BUTTERMILK_RECORDS=1000 for a shorter one
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from flows.serving import free_port
from tests.support.agents import make_known
from tests.support.running import Lab
from tests.support.services import server_of_prefect

RECORDS = int(os.environ.get("BUTTERMILK_RECORDS", "10000"))
FLOW = """\
description: One cell a record.
records: posts
steps:
  say: {agent: echo}
"""


@contextmanager
def sqlite(_: Path) -> Generator[dict[str, str]]:
    """What the server uses unless told otherwise."""
    yield {}


@contextmanager
def postgresql(folder: Path) -> Generator[dict[str, str]]:
    """A cluster of its own, from Debian's packages, for the length of the block."""
    programs = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), None)
    if programs is None or not (programs / "initdb").exists():
        pytest.skip("there is no PostgreSQL: apt-get install postgresql")
    data, port = folder / "data", free_port()
    # It refuses to run as root, and its files must belong to whom it runs as.
    as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if as_user:
        for path in (folder, *folder.parents):
            if path.stat().st_uid == 0 and path.is_relative_to("/tmp/pytest-of-root"):
                path.chmod(0o755)
        shutil.chown(folder, "postgres")
    _run(*as_user, programs / "initdb", "-D", data, "-A", "trust", "-U", "prefect", "--no-sync")
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1"
    _run(*as_user, programs / "pg_ctl", "-D", data, "-w", "-o", options, "-l", folder / "log", "start")
    try:
        _run(*as_user, programs / "createdb", "-h", "127.0.0.1", "-p", port, "-U", "prefect", "prefect")
        yield {"PREFECT_SERVER_DATABASE_CONNECTION_URL": f"postgresql+asyncpg://prefect@127.0.0.1:{port}/prefect"}
    finally:
        _run(*as_user, programs / "pg_ctl", "-D", data, "-w", "-m", "fast", "stop")


def _run(*command: object) -> None:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, cwd="/")
    assert done.returncode == 0, done.stderr


@pytest.mark.benchmark
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("database", [sqlite, postgresql], ids=lambda database: database.__name__)
async def test_no_task_run_is_missing(database: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_known(monkeypatch)
    for name in ("database", "server"):
        (tmp_path / name).mkdir()
    with database(tmp_path / "database") as settings, server_of_prefect(tmp_path / "server", **settings) as api:  # type: ignore[reportCallIssue, reportUnknownVariableType]
        lab = Lab(tmp_path / "study", str(api))
        lab.write("storage/posts.yaml", "posts: {type: file, path: posts.jsonl}\n")
        lab.write("posts.jsonl", [{"record_id": f"r{n}", "text": f"post {n}"} for n in range(RECORDS)])
        lab.write("flows/tiny.yaml", FLOW)
        started = time.perf_counter()
        ran = await lab.run()
        seconds = time.perf_counter() - started
    print(f"\n{RECORDS} task runs, {getattr(database, '__name__', '')}")
    print(f"  the flow     {ran.seconds:6.1f} s   {RECORDS / ran.seconds:5.0f} a second")
    print(f"  all recorded {ran.drained:6.1f} s   {RECORDS / ran.drained:5.0f} a second, {ran.lost} missing")
    print(f"  read again   {seconds:6.1f} s   {len(ran.server.cells)} there")
    assert (ran.lost, len(ran.server.cells)) == (0, RECORDS)
    assert {run.state_name for run in ran.server.cells} == {"Completed"}
