"""A worker in this process: it takes up the runs of a study's deployment, as `prefect worker start` would.

async with deployed(lab) as deployment:
    ran = await deployment.run(shards=3)
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from prefect import Flow
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterId
from prefect.client.schemas.objects import FlowRun, State
from prefect.client.schemas.sorting import FlowRunSort
from prefect.exceptions import Pause
from prefect.flow_engine import run_flow_async
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.states import Running
from prefect.utilities.callables import parameter_schema

from contract.messages import AgentTrace
from flows.compose.shorthands import as_arguments
from flows.files.folder import read_traces
from flows.results.heartbeat import heartbeat_path
from flows.results.open import result_store
from flows.run.listener import RunListener
from flows.run.runner import make_flow
from flows.run_folder.outcome import Outcome
from tests.support.running import Lab

LosesWorker = Callable[[Mapping[str, Any], int], bool]
"""Parameters of a run, and how many runs of the same shard came before -> whether its worker is lost."""


@dataclass
class DeployedRun:
    """A deployed run that has ended."""

    state: State[Any]
    outcome: Outcome | None
    children: list[FlowRun]
    """The child runs as the server holds them, in the order in which they were taken up."""

    @property
    def folder(self) -> Path:
        """Its run folder."""
        assert self.outcome, self.state
        return self.outcome.folder

    @property
    def traces(self) -> list[AgentTrace]:
        """Every cell."""
        return list(read_traces(self.folder / "answers.jsonl"))

    @property
    def manifest(self) -> dict[str, Any]:
        """The content of its `manifest.json`."""
        return json.loads((self.folder / "manifest.json").read_text(encoding="utf-8"))


class _OutcomeRecorder(RunListener):
    def __init__(self) -> None:
        self.outcomes = dict[str, Outcome]()

    def on_end(self, outcome: Outcome) -> None:
        self.outcomes[str(outcome.flow_run_id)] = outcome


@dataclass
class Deployment:
    """A deployment of the lab's flow, with a worker of its own."""

    client: PrefectClient
    lab: Lab
    flow: Flow[..., Any]
    id: UUID
    recorder: _OutcomeRecorder
    loses_worker: LosesWorker = lambda _, __: False
    worker_task: asyncio.Task[None] | None = None
    _claimed_runs: dict[UUID, str] = field(default_factory=dict[UUID, str])

    async def run(self, **parameters: Any) -> DeployedRun:
        """Runs the deployment once, to its end, or until it is suspended."""
        created = await self.client.create_flow_run_from_deployment(self.id, parameters=parameters)
        while True:
            run = await self.client.read_flow_run(created.id)
            if run.state and (run.state.is_final() or run.state.is_paused()):
                break
            await asyncio.sleep(0.1)
            if self.worker_task and self.worker_task.done():
                await self.worker_task
        children = [await self.client.read_flow_run(child) for child in self._claimed_runs if child != created.id]
        assert run.state
        return DeployedRun(run.state, self.recorder.outcomes.get(str(run.id)), children)

    async def poll_runs(self) -> None:
        """Takes up every run that is due, each in a task of its own."""
        mine = DeploymentFilter(id=DeploymentFilterId(any_=[self.id]))
        async with asyncio.TaskGroup() as group:
            while True:
                known = await self.client.read_flow_runs(deployment_filter=mine, sort=FlowRunSort.ID_DESC, limit=200)
                for run in known:
                    if run.id not in self._claimed_runs:
                        group.create_task(self._claim_run(run))
                        # Only the shard is compared: the rest of the budget differs from one attempt to the next.
                        self._claimed_runs[run.id] = str(run.parameters.get("shard"))
                await asyncio.sleep(0.1)

    async def _claim_run(self, run: FlowRun) -> None:
        before = list(self._claimed_runs.values()).count(str(run.parameters.get("shard"))) - 1
        if self.loses_worker(run.parameters, before):
            await self.client.set_flow_run_state(run.id, Running())
            store = result_store(self.lab.compose().run.results)
            store.put(heartbeat_path(str(run.id)), b'{"beat": 0, "paid_usd": "0.25"}')
            return
        # A run that is suspended ends so in its process.
        with suppress(Pause):
            await run_flow_async(self.flow, run, run.parameters, return_type="state")


@asynccontextmanager
async def deployed(lab: Lab) -> AsyncGenerator[Deployment]:
    """The lab's flow as a deployment on the tests' server, for the length of the block."""
    recorder = _OutcomeRecorder()
    with temporary_settings({PREFECT_API_URL: lab.api_url}):
        flow = make_flow(lab.compose().flow, lambda request: lab.compose(*as_arguments(request)), recorder)
        async with get_client() as client:
            schema = parameter_schema(flow).model_dump_for_openapi()
            flow_id = await client.create_flow(flow)
            name = f"of-{lab.folder.parent.name}"
            deployment_id = await client.create_deployment(flow_id, name, parameter_openapi_schema=schema)
            deployment = Deployment(client, lab, flow, deployment_id, recorder)
            deployment.worker_task = worker_task = asyncio.create_task(deployment.poll_runs())
            try:
                yield deployment
            finally:
                worker_task.cancel()
                await asyncio.wait([worker_task])
