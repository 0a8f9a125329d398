"""Each agent is a Prefect task: found by its key, its tags and its inputs, and held by limits of its tags."""

from __future__ import annotations

import json

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate
from prefect.client.schemas.filters import TaskRunFilter, TaskRunFilterTags
from prefect.client.schemas.objects import Parameter, TaskRun
from prefect.settings import PREFECT_API_URL, temporary_settings

from tests.support.fake_llm import FakeLLM, Rule
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
@pytest.mark.parametrize("limit", [None, 1])
async def test_a_limit_of_a_tag_holds(study: Lab, hosted_service: FakeLLM, batch: int, limit: int | None) -> None:
    name = f"served{batch}"
    address = {"provider": "openai-compatible", "model_id": "served", "base_url": f"{hosted_service.url}/v1"}
    study.write(f"models/{name}.yaml", json.dumps({name: {"kind": "hosted", **address}}))
    study.write("flows/tiny.yaml", FLOW.replace("[one, two]", f"[{name}]"))
    hosted_service.log.reset()
    hosted_service.script(Rule(latency=0.3))
    with temporary_settings({PREFECT_API_URL: study.api_url}):
        async with get_client() as client:
            if limit:
                wanted = GlobalConcurrencyLimitCreate(name=f"tag:model:{name}", limit=limit, active_slots=0)
                await client.create_global_concurrency_limit(wanted)
    await study.run("question=Why?", f"run.batch={batch}", "run.concurrency=3")
    assert hosted_service.stats()["calls"] == 3
    assert (hosted_service.stats()["most_in_flight"] == 1) == bool(limit)
