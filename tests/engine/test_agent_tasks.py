"""Each agent is a Prefect task: found by its key, its tags and its inputs, and held by limits of its tags."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate
from prefect.client.schemas.filters import TaskRunFilter, TaskRunFilterTags
from prefect.client.schemas.objects import Parameter, TaskRun
from prefect.settings import PREFECT_API_URL, temporary_settings

from tests.support.running import Lab, RunResult

FLOW = """\
description: Tiny.
parameters: {question: {required: true}}
records: posts
steps:
  ask:
    agent: llm
    parameters: {template: "user:\\n{{ record.text }}"}
    variants: {model: [one, two]}
  gathered: {agent: echo, inputs: {given: ask.text}}
result: gathered
"""
TEXT = "a text that stays here"


@pytest.fixture
def study(lab: Lab) -> Lab:
    """Three posts, each read by two models and then by an agent without one."""
    lab.write_posts([{"record_id": f"p{number}", "text": f"{TEXT} {number}"} for number in range(3)])
    for name in ("one", "two"):
        lab.write_model(name, {"reply": {"text": "fine"}})
    lab.write("flows/tiny.yaml", FLOW)
    return lab


def inputs(run: TaskRun) -> dict[str, list[str]]:
    """The named inputs of a task run that say something."""
    named = {name: [one.name for one in found if isinstance(one, Parameter)] for name, found in run.task_inputs.items()}
    return {name: values for name, values in named.items() if values}


@pytest.mark.parametrize("batch", [250, 2], ids=["one batch", "in bulk"])
async def test_an_agent_is_a_task_with_tags_and_inputs(study: Lab, batch: int) -> None:
    ran = await study.run("question=Why?", f"run.batch={batch}")
    cells = ran.server.cells
    assert {run.task_key.rpartition("-")[0] for run in cells} == {"llm", "echo"}
    [asked] = [run for run in cells if set(run.tags) >= {"model:two"} and inputs(run)["record_id"] == ["p1"]]
    assert set(asked.tags) == {"agent:llm", "step:ask", "model:two"}
    assert inputs(asked) == {"record_id": ["p1"], "model": ["two"]}
    assert not [run for run in cells if TEXT in run.model_dump_json()]
    assert await _count(study, ran, ["agent:llm", "model:two"]) == 3
    assert await _count(study, ran, ["agent:echo"]) == 3


async def _count(study: Lab, ran: RunResult, tags: list[str]) -> int:
    with temporary_settings({PREFECT_API_URL: study.api_url}):
        async with get_client() as client:
            wanted = TaskRunFilter(tags=TaskRunFilterTags(all_=tags))
            found = await client.read_task_runs(task_run_filter=wanted)
    ours = {run.id for run in ran.server.task_runs}
    return sum(run.id in ours for run in found)


@pytest.mark.parametrize("batch", [250, 2], ids=["one batch", "in bulk"])
async def test_a_limit_of_a_tag_holds(study: Lab, batch: int) -> None:
    name = f"limited{batch}"
    slow = [{"reply": {"text": "fine"}}]
    study.write_model(name, *slow)
    study.write("flows/tiny.yaml", FLOW.replace("[one, two]", f"[{name}]"))

    async def limit(client: PrefectClient) -> None:
        wanted = GlobalConcurrencyLimitCreate(name=f"tag:model:{name}", limit=1, active_slots=0)
        await client.create_global_concurrency_limit(wanted)

    with temporary_settings({PREFECT_API_URL: study.api_url}):
        async with get_client() as client:
            await limit(client)
    ran = await study.run("question=Why?", f"run.batch={batch}", "run.concurrency=3")
    times = sorted(
        (run.start_time or datetime.now(UTC), run.end_time)
        for run in ran.server.cells
        if run.task_key.startswith("llm-")
    )
    assert len(times) == 3
    assert all(end and end <= start for (_, end), (start, _) in zip(times, times[1:], strict=False))
