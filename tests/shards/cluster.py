"""A Prefect server's workers as processes, and a study deployed to them, as an operator would set them up."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import FlowRun
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.compose.compose import compose
from flows.config.own_config import USER_CONFIG_VARIABLE
from flows.run.runner import make_flow
from tests.support.commands import ROOT, CommandLine, RunningCommand, run_folders
from tests.support.databases import DATABASES
from tests.support.judging import make_posts, write_study
from tests.support.own_config import write_own_config
from tests.support.services import FakeService, prefect_server

POOL = "machines"


@dataclass
class Cluster:
    """Workers of a server; each takes up at most `limit` runs at once."""

    cli: CommandLine
    api: str
    config: Path
    flow: str = "judged"
    workers: list[RunningCommand] = field(default_factory=list[RunningCommand])

    def kept_replies(self) -> int:
        """How many replies are on disk."""
        return sum(path.is_file() and not path.name.startswith(".") for path in self.cli.results.glob("replies/*/*"))

    def start_worker(self, limit: int) -> RunningCommand:
        """`prefect worker start`, with an environment like that of a separate machine."""
        environment = {
            "PREFECT_API_URL": self.api,
            "BUTTERMILK_CONFIG_DIR": str(self.config),
            "PREFECT_WORKER_QUERY_SECONDS": "1",
            "PREFECT_WORKER_PREFETCH_SECONDS": "1",
        }
        arguments = ["worker", "start", "--pool", POOL, "--type", "process", "--limit", str(limit)]
        worker = self.cli.start("prefect", *arguments, **environment)
        self.workers.append(worker)
        return worker

    def running(self) -> tuple[int, int]:
        """How many task runs, and how many flow runs, the server holds to be running."""
        wanted = {"state": {"type": {"any_": ["RUNNING"]}}}
        kinds = ("task_runs", "flow_runs")
        tasks, flows = (int(httpx.post(f"{self.api}/{kind}/count", json={kind: wanted}).text) for kind in kinds)
        return tasks, flows

    def last_manifest(self) -> dict[str, Any]:
        """The content of the latest run's `manifest.json`."""
        manifest = run_folders(self.cli, self.flow)[-1] / "manifest.json"
        return json.loads(manifest.read_text(encoding="utf-8"))

    def run(self, **parameters: Any) -> FlowRun:
        """Runs the deployment once, to its end."""
        return asyncio.run(self._run_to_end(parameters))

    def start_run(self, **parameters: Any) -> UUID:
        """Starts a run of the deployment; returns its id."""
        return asyncio.run(self._start_run(parameters))

    def wait_for_run(self, run: UUID, seconds: float = 600) -> FlowRun:
        """Waits until the run has ended; returns it."""
        return asyncio.run(self._wait_for_run(run, seconds))

    async def _run_to_end(self, parameters: Mapping[str, Any]) -> FlowRun:
        return await self._wait_for_run(await self._start_run(parameters), 600)

    async def _start_run(self, parameters: Mapping[str, Any]) -> UUID:
        with temporary_settings({PREFECT_API_URL: self.api}):
            async with get_client() as client:
                deployment = await self._deployment(client)
                return (await client.create_flow_run_from_deployment(deployment, parameters=dict(parameters))).id

    async def _wait_for_run(self, run: UUID, seconds: float) -> FlowRun:
        with temporary_settings({PREFECT_API_URL: self.api}):
            async with get_client() as client, asyncio.timeout(seconds):
                while True:
                    found = await client.read_flow_run(run)
                    if found.state and found.state.is_final():
                        return found
                    await asyncio.sleep(0.2)

    async def _deployment(self, client: PrefectClient) -> UUID:
        pool = WorkPoolCreate(name=POOL, type="process", base_job_template={})
        await client.create_work_pool(pool, overwrite=True)
        [study] = compose([self.flow], [], self.config, require_request=False)
        flow_id = await client.create_flow(make_flow(study.flow, lambda _: study))
        return await client.create_deployment(
            flow_id,
            "here",
            work_pool_name=POOL,
            # Not `path`: a worker would copy the whole folder for each run, its environment included.
            pull_steps=[{"prefect.deployments.steps.set_working_directory": {"directory": str(ROOT)}}],
            entrypoint="tests/shards/judged.py:judged",
            enforce_parameter_schema=False,
        )

    def stop(self) -> None:
        """Kills every worker and its processes."""
        for worker in self.workers:
            kill_with_children(worker)


@contextmanager
def prepared_cluster(
    folder: Path, service: FakeService, records: int, at_once: int, lost_after: int, **study: Any
) -> Generator[Cluster]:
    """A server and the study of that many records, without workers yet, for the length of the block.

    `study` holds further arguments of `write_study`.

    On PostgreSQL, unless BUTTERMILK_DATABASE names another.
    """
    cli = CommandLine(folder / "place")
    # What all workers share lies outside the study's folder, so the operator's own configuration allows it.
    allowed = {"places": [str(cli.working_folder), str(cli.results)]}
    cli.extra_variables |= write_own_config(cli.folder / "own", allowed=allowed)
    config = write_study(cli.folder / "study", service.url, make_posts(records), concurrency=at_once, **study)
    settings = f"concurrency: {at_once}\nretry_delay_seconds: 0\nlost_after_seconds: {lost_after}\n"
    places = f"folder: {cli.working_folder}/runs\nresults: {cli.results}\n"
    (config / "run" / "default.yaml").write_text(settings + places, encoding="utf-8")
    (folder / "server").mkdir()
    database = DATABASES[os.environ.get("BUTTERMILK_DATABASE", "postgresql")]()
    with (
        pytest.MonkeyPatch.context() as patch,
        database as variables,
        prefect_server(folder / "server", **variables) as api,
    ):
        # The study is deployed from this process.
        patch.setenv(USER_CONFIG_VARIABLE, cli.extra_variables[USER_CONFIG_VARIABLE])
        cluster = Cluster(cli, api, config)
        try:
            yield cluster
        finally:
            cluster.stop()


def kill_with_children(worker: RunningCommand) -> None:
    """SIGKILL to the worker and to all that it started, as when a machine loses its power."""
    children = descendants(worker.pid)
    worker.kill()
    for process in children:
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:
            continue


def descendants(pid: int) -> list[int]:
    """The processes that this one started, and theirs."""
    parents = dict[int, int]()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(process.name)] = int((process / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    found, level = list[int](), [pid]
    while level:
        level = [child for child, parent in parents.items() if parent in level]
        found += level
    return found


def runs_of(worker: RunningCommand) -> set[str]:
    """The flow runs that processes of the worker have under way."""
    found = set[str]()
    for process in descendants(worker.pid):
        try:
            environment = Path(f"/proc/{process}/environ").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        found |= {entry.partition("=")[2] for entry in environment if entry.startswith("PREFECT__FLOW_RUN_ID=")}
    return found
