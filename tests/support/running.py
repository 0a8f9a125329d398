"""Runs a tiny study in this process against the tests' Prefect server, and shows what the server holds of it.

lab.write("flows/tiny.yaml", FLOW)
ran = await lab.run("text=hello")
assert ran.rows("judge")[0].status == "completed"
assert ran.server.task_runs["judge, …"].state_name == "Completed"
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.objects import FlowRun, FlowRunResult, State, TaskRun, TaskRunResult
from prefect.settings import PREFECT_API_URL, temporary_settings

from contract.base import JsonValue
from contract.messages import AgentTrace
from flows.compose.compose import compose
from flows.files.folder import read_traces
from flows.run.listener import RunListener
from flows.run.runner import make_flow
from flows.run_folder.outcome import Outcome
from flows.server.drain import drain
from flows.spec.study import Study

DuringRun = Callable[[PrefectClient], Awaitable[None]]


@dataclass(frozen=True)
class ServerView:
    """What the server holds of a run: its own flow run, the child runs, and all task runs."""

    flow_run: FlowRun
    flow_runs: list[FlowRun]
    task_runs: list[TaskRun]
    graph: dict[str, Any]

    @property
    def cells(self) -> list[TaskRun]:
        """The task runs that do not stand for child runs."""
        stand_ins = {run.parent_task_run_id for run in self.flow_runs}
        return [run for run in self.task_runs if run.id not in stand_ins]

    def task(self, name: str) -> TaskRun:
        """The one task run whose name holds `name`."""
        [found] = [run for run in self.task_runs if name in run.name]
        return found

    def child(self, name: str) -> FlowRun:
        """The one child run whose name holds `name`."""
        [found] = [run for run in self.flow_runs if name in run.name]
        return found

    def edges(self) -> set[tuple[str, str]]:
        """Every edge that the server holds, as names of task runs, those that stand for child runs included."""
        names = {run.id: run.name for run in self.task_runs}
        names |= {run.parent_task_run_id: run.name for run in self.flow_runs if run.parent_task_run_id}
        names |= {run.id: run.name for run in self.flow_runs}
        found = set[tuple[str, str]]()
        for run in self.task_runs:
            for inputs in run.task_inputs.values():
                for one in inputs:
                    if isinstance(one, TaskRunResult | FlowRunResult):
                        found.add((names.get(one.id, str(one.id)), names[run.id]))
        return found


@dataclass(frozen=True)
class RunResult:
    """A run that has ended: its state, its rows and what the server holds of it."""

    state: State[Any]
    outcome: Outcome | None
    traces: list[AgentTrace]
    server: ServerView
    lost_task_runs: int
    seconds: float
    """Seconds that the flow took."""
    drain_seconds: float
    """Seconds until the server held everything."""
    notes: list[str]
    """What the run said about itself."""

    def rows(self, step: str) -> list[AgentTrace]:
        """The rows of one step, in the order in which they ended."""
        return [trace for trace in self.traces if trace.step == step]

    @property
    def calls(self) -> tuple[int, int]:
        """How many replies were paid for, and how many were kept from before."""
        assert self.outcome
        return self.outcome.totals.calls_paid, self.outcome.totals.calls_kept

    @property
    def result(self) -> JsonValue:
        """The result of the one record."""
        assert self.outcome
        [(_, value)] = self.outcome.results
        return value


class _OutcomeRecorder(RunListener):
    def __init__(self) -> None:
        self.outcome: Outcome | None = None
        self.notes = list[str]()

    def on_note(self, text: str) -> None:
        self.notes.append(text)
        super().on_note(text)

    def on_end(self, outcome: Outcome) -> None:
        self.outcome = outcome


@dataclass
class Lab:
    """A study folder, a cache and a runs folder that belong to one test."""

    folder: Path
    api_url: str
    flow: str = "tiny"
    settings: list[str] = field(default_factory=list[str])

    def write(self, name: str, content: str | list[Any]) -> Path:
        """Writes a file of the study; a list becomes JSONL."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = content if isinstance(content, str) else "".join(json.dumps(line) + "\n" for line in content)
        path.write_text(text, encoding="utf-8")
        return path

    def write_posts(self, posts: list[Any]) -> None:
        """A storage called `posts` of these records."""
        self.write("storage/posts.yaml", "posts: {type: file, path: posts.jsonl}\n")
        self.write("posts.jsonl", posts)

    def write_model(self, name: str, *lines: dict[str, Any], limits: dict[str, Any] | None = None) -> None:
        """A scripted model of that name."""
        self.write(f"scripts/{name}.jsonl", list(lines))
        more = {"limits": limits} if limits else {}
        path = str(self.folder / "scripts" / f"{name}.jsonl")
        self.write(f"models/{name}.yaml", json.dumps({name: {"kind": "scripted", "path": path, **more}}))

    def compose(self, *arguments: str) -> Study:
        """The study, composed."""
        where = [f"run.folder={self.folder / 'runs'}", f"run.results={self.folder / 'results'}"]
        [study] = compose([self.flow], [*where, "run.retry_delay_seconds=0", *self.settings, *arguments], self.folder)
        return study

    async def run(self, *arguments: str, during_run: DuringRun | None = None) -> RunResult:
        """Runs the study; `during_run` acts at the same time with a Prefect client, as a person at the UI would."""
        return await self.run_study(self.compose(*arguments), during_run)

    async def run_study(self, study: Study, during_run: DuringRun | None = None) -> RunResult:
        """Runs a study that was composed before."""
        with temporary_settings({PREFECT_API_URL: self.api_url}):
            recorder = _OutcomeRecorder()
            flow: Any = make_flow(study.flow, lambda _: study, recorder)
            parameters = {name: value for name, value in study.request.items() if value is not None}
            started = time.perf_counter()
            running = asyncio.ensure_future(flow(**parameters, return_state=True))
            async with get_client() as client:
                if during_run:
                    await during_run(client)
                state: State[Any] = await running
                seconds = time.perf_counter() - started
                totals = recorder.outcome.totals if recorder.outcome else None
                runs = recorder.outcome.flow_runs if recorder.outcome else set[UUID]()
                lost = await drain(runs, totals.task_runs if totals else 0)
                drained = time.perf_counter() - started
                assert state.state_details.flow_run_id
                server = await read_server_view(client, state.state_details.flow_run_id)
        file = recorder.outcome.folder / "answers.jsonl" if recorder.outcome else None
        traces = list(read_traces(file)) if file else []
        return RunResult(state, recorder.outcome, traces, server, lost, seconds, drained, recorder.notes)


async def read_server_view(client: PrefectClient, run_id: UUID) -> ServerView:
    """All that the server holds of that run and the runs below it."""
    found = list[FlowRun]()
    task_runs = list[TaskRun]()
    level = [run_id]
    while level:
        tasks = await _tasks_of(client, level)
        task_runs += tasks
        parents = [str(task.id) for task in tasks]
        children = await _children(client, parents) if parents else []
        found += children
        level = [child.id for child in children]
    graph = await client.request("GET", "/flow_runs/{id}/graph-v2", path_params={"id": str(run_id)})
    return ServerView(await client.read_flow_run(run_id), found, task_runs, graph.json())


async def _tasks_of(client: PrefectClient, runs: list[UUID]) -> list[TaskRun]:
    wanted = {"flow_runs": {"id": {"any_": [str(run) for run in runs]}}}
    return [TaskRun.model_validate(run) for run in await _fetch_all(client, "/task_runs/filter", wanted)]


async def _children(client: PrefectClient, parents: list[str]) -> list[FlowRun]:
    wanted = {"flow_runs": {"parent_task_run_id": {"any_": parents}}}
    return [FlowRun.model_validate(run) for run in await _fetch_all(client, "/flow_runs/filter", wanted)]


async def _fetch_all(client: PrefectClient, path: str, wanted: dict[str, Any]) -> list[Any]:
    found = list[Any]()
    while True:
        response = await client.request("POST", path, json={**wanted, "limit": 200, "offset": len(found)})  # type: ignore[reportArgumentType]
        page: list[Any] = response.json()
        found += page
        if len(page) < 200:
            return found
