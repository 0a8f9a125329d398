"""Mistakes that keep a study from being composed where the worker runs: the run fails, and says what is missing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun
from prefect.flow_engine import run_flow_async
from prefect.settings import PREFECT_API_URL, temporary_settings

from contract.errors import StudyError
from flows.declared import declare
from tests.support.fake_llm import FakeLLM
from tests.support.fake_models import FLOW, write_hosted_model
from tests.support.running import Lab

MISTAKES: dict[str, tuple[Callable[[Lab], Any], str]] = {
    "no records": (lambda lab: (lab.folder / "posts.jsonl").unlink(), "the source of 'posts'"),
    "no model": (lambda lab: (lab.folder / "models/fake.yaml").unlink(), "there is no model 'fake'"),
    "no flow": (lambda lab: (lab.folder / "flows/tiny.yaml").unlink(), "there is no flow 'tiny'"),
    "no YAML": (lambda lab: lab.write("models/fake.yaml", "fake: ["), "models/fake.yaml:1"),
}


@pytest.fixture
def study(lab: Lab, fake: FakeLLM, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """A post and a question about it."""
    lab.write_posts([{"record_id": "a", "text": "A post."}])
    monkeypatch.chdir(lab.folder)
    write_hosted_model(lab, fake, "openai")
    lab.write("flows/tiny.yaml", FLOW)
    return lab


@pytest.mark.parametrize("name", MISTAKES)
async def test_the_run_fails_in_plain_words(
    study: Lab, name: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    break_it, message = MISTAKES[name]
    with temporary_settings({PREFECT_API_URL: study.api_url}):
        run = await _deployed_run(study, {"sample": 1, "llms": "demo"})
        break_it(study)
        with pytest.raises(StudyError):
            declare("tiny", study.folder)
        # What a worker does in the process of a run.
        monkeypatch.setenv("PREFECT__FLOW_RUN_ID", str(run.id))
        await run_flow_async(declare("tiny", study.folder), run, return_type="state")
        async with get_client() as client:
            ended = await client.read_flow_run(run.id)
    assert ended.state and ended.state.name == "Failed" and ended.state.message
    assert ended.state.message.startswith("1 mistake; nothing was run and no model was asked.\n")
    assert message in ended.state.message
    assert "Traceback" not in "".join(capfd.readouterr())


async def test_a_name_that_the_form_does_not_have_is_told(
    study: Lab, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with temporary_settings({PREFECT_API_URL: study.api_url}):
        run = await _deployed_run(study, {"sampel": 1, "folder": "elsewhere", "llms": "demo"})
        monkeypatch.setenv("PREFECT__FLOW_RUN_ID", str(run.id))
        await run_flow_async(declare("tiny", study.folder), run, run.parameters, return_type="state")
        async with get_client() as client:
            ended = await client.read_flow_run(run.id)
    assert ended.state and ended.state.name == "Failed" and ended.state.message
    told = "parameters: sampel=1: the form has no such field; did you mean 'sample'?; there are "
    assert ended.state.message.startswith(f"2 mistakes; nothing was run and no model was asked.\n{told}")
    assert "parameters: folder=elsewhere: the form has no such field" in ended.state.message
    assert "Traceback" not in "".join(capfd.readouterr())


async def _deployed_run(lab: Lab, parameters: dict[str, Any]) -> FlowRun:
    async with get_client() as client:
        flow_id = await client.create_flow(declare("tiny", lab.folder))
        deployment = await client.create_deployment(flow_id, lab.folder.parent.name)
        return await client.create_flow_run_from_deployment(deployment, parameters=parameters)


async def test_another_flow_that_awaits_it_gets_the_mistakes(study: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    with temporary_settings({PREFECT_API_URL: study.api_url}):
        run = await _deployed_run(study, {"sample": 1})
        (study.folder / "posts.jsonl").unlink()
        monkeypatch.setenv("PREFECT__FLOW_RUN_ID", str(run.id))
        tiny: Any = declare("tiny", study.folder)

        @flow
        async def own() -> None:
            await tiny(budget=1.0, sample=2)

        with pytest.raises(StudyError, match="the source of 'posts'"):
            await own()
