"""A failed run, retried under the same id as by the Retry button of the UI: nothing is paid for again."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun, State
from prefect.flow_engine import run_flow_async
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.states import AwaitingRetry

from flows.deploy.declared import declare
from tests.support.fake_llm import FakeLLM, Rule
from tests.support.fake_models import write_hosted_model
from tests.support.running import Lab

FLOW = """\
description: Tiny.
records: posts
steps:
  ask:
    agent: llm
    parameters: {template: ask, model: fake}
  rounds:
    max_rounds: 2
    loop:
      think:
        agent: llm
        inputs: {material: ask.text}
        parameters: {template: think, model: fake}
  check:
    agent: llm
    inputs: {material: think.text}
    parameters: {template: check, model: fake}
    when: material
result: check
"""
POSTS = [{"record_id": name, "text": f"post {name}"} for name in ("one", "two", "three")]
BROKEN = Rule(kind="status", status=500, match="post two")


@pytest.fixture
def study(lab: Lab, fake: FakeLLM, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """Three posts; each step asks the fake service once for each."""
    lab.write_posts(POSTS)
    monkeypatch.chdir(lab.folder)
    write_hosted_model(lab, fake, "openai")
    for name in ("ask", "think", "check"):
        material = "{{ material }}" if name != "ask" else ""
        lab.write(f"prompts/{name}.md", f"user:\n{name}: {{{{ record.text }}}} {material}\n")
    lab.write("flows/tiny.yaml", FLOW)
    lab.write("run/default.yaml", json.dumps({"retries": 0, "results": str(lab.folder / "results")}))
    return lab


async def first_run(lab: Lab, **parameters: Any) -> State[Any]:
    """The state in which a first run ends."""
    with temporary_settings({PREFECT_API_URL: lab.api_url}):
        flow: Any = declare("tiny", lab.folder)
        return await flow(**parameters, return_state=True)


async def retried_run(lab: Lab, run: UUID | None) -> FlowRun:
    """Retries the run as a worker's process does; returns it as the server holds it then."""
    assert run
    with temporary_settings({PREFECT_API_URL: lab.api_url}):
        async with get_client() as client:
            await client.set_flow_run_state(run, AwaitingRetry(message="Retry from the UI"))
            found = await client.read_flow_run(run)
            await run_flow_async(declare("tiny", lab.folder), found, found.parameters, return_type="state")
            return await client.read_flow_run(run)


async def test_a_retried_run_asks_only_what_was_missing(study: Lab, fake: FakeLLM) -> None:
    fake.script(BROKEN)
    state = await first_run(study)
    assert (state.type.value, state.name) == ("FAILED", "Incomplete")
    before = fake.stats()["calls"]
    fake.script()
    run = await retried_run(study, state.state_details.flow_run_id)
    assert run.state and run.state.is_completed() and run.run_count == 2, run.state
    # A call of each step, about the second post.
    assert fake.stats()["calls"] - before == 3


async def test_a_finished_run_started_again_asks_nothing(study: Lab, fake: FakeLLM) -> None:
    state = await first_run(study)
    assert state.is_completed()
    run = await retried_run(study, state.state_details.flow_run_id)
    assert run.state and run.state.is_completed() and run.run_count == 2
    assert fake.stats()["calls"] == 9


async def test_a_mistake_ends_the_run_in_plain_words(
    study: Lab, fake: FakeLLM, capfd: pytest.CaptureFixture[str]
) -> None:
    state = await first_run(study, records="psts.csv", sample=2)
    assert state.is_failed() and state.message
    assert state.message.startswith("1 mistake; nothing was run and no model was asked.\nparameters: records=psts.csv:")
    assert "Traceback" not in "".join(capfd.readouterr())
    assert fake.stats()["calls"] == 0


async def test_all_mistakes_are_reported_at_once(study: Lab) -> None:
    state = await first_run(study, records="psts.csv", budget=-1)
    assert state.message and state.message.startswith("2 mistakes;") and "budget" in state.message


async def test_form_fields_left_empty_change_nothing(study: Lab, fake: FakeLLM) -> None:
    state = await first_run(study, records="", columns={}, sample=2, seed=0, llms="as configured")
    assert state.is_completed(), state.message
    assert fake.stats()["calls"] == 6
