"""agent(...): single calls from Python, several at once, kept, and as task runs of somebody's own flow."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from prefect import flow, task
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import State, TaskRun
from prefect.settings import PREFECT_API_URL, temporary_settings

from contract.errors import OutputInvalid, StudyError
from contract.record import Record
from flows import agent, trace
from tests.support.fake_llm import FakeLLM, Rule
from tests.support.small_study import judge_reply

REPLY = judge_reply("violates")


async def test_calls_at_once_and_again_are_paid_for_once(home: Path, hosted_service: FakeLLM) -> None:
    hosted_service.script(Rule(reply=REPLY))
    judge = agent("judge", config_dir=home)
    judged = await asyncio.gather(*(judge.run(f"Post {n % 4}", criteria="one", model="fake") for n in range(8)))
    assert [one.verdict for one in judged] == ["violates"] * 8 and hosted_service.stats()["calls"] == 4
    again = agent("judge", config_dir=home).run_sync(Record(record_id="x", text="Post 1"), criteria="one", model="fake")
    assert again.verdict == "violates" and hosted_service.stats()["calls"] == 4
    await judge.run({"text": "Post 1"}, criteria="Another criterion, written here.", model="fake")
    assert hosted_service.stats()["calls"] == 5


async def test_in_a_flow_of_ones_own_a_call_is_a_task_run(
    home: Path, hosted_service: FakeLLM, prefect_api: str
) -> None:
    hosted_service.script(Rule(reply=REPLY))

    @flow
    async def mine() -> str:
        return (await agent("judge", config_dir=home).run("A post.", criteria="one", model="fake")).verdict

    with temporary_settings({PREFECT_API_URL: prefect_api}):
        call: Any = mine
        state: State[Any] = await call(return_state=True)
        assert await state.aresult() == "violates"
        run_id = state.state_details.flow_run_id
        assert run_id
        async with get_client() as client:
            found = list[TaskRun]()
            while not any(run.end_time for run in found):
                found = await client.read_task_runs(flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[run_id])))
    assert [run.name.rpartition(",")[0] for run in found] == ["judge, one, fake"]
    assert "A post." not in found[0].model_dump_json()


async def test_in_a_flow_of_ones_own_each_call_has_its_trace(
    home: Path, hosted_service: FakeLLM, prefect_api: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosted_service.script(
        Rule(kind="refusal", match="shy"), Rule(kind="status", status=503, times=1), Rule(reply=REPLY)
    )

    @task
    async def mine_too(text: str) -> str:
        return (await agent("judge", config_dir=home).run(text, criteria="one", model="fake")).verdict

    @flow
    async def mine() -> list[str]:
        judge = agent("judge", config_dir=home)
        with pytest.raises(OutputInvalid):
            await judge.run("A shy post.", criteria="one", model="fake")
        asked = [(await judge.run("A post.", criteria="one", model="fake")).verdict for _ in range(2)]
        return [*asked, await mine_too("A post."), await mine_too("Another post.")]

    monkeypatch.setenv("PREFECT_API_URL", prefect_api)
    with temporary_settings({PREFECT_API_URL: prefect_api}):
        call: Any = mine
        state: State[Any] = await call(return_state=True)
        assert await state.aresult() == ["violates"] * 4
        runs = [run for run in await ended_task_runs(state, 7) if run.task_key.startswith("judge-")]
    refused, first, again, within, other = sorted(runs, key=lambda run: str(run.expected_start_time))
    names = [run.state_name for run in (refused, first, again, within, other)]
    assert names == ["Refused", "Completed", "Cached", "Cached", "Completed"]
    assert (first.run_count, first.name.rpartition(",")[0], first.tags[0]) == (2, "judge, one, fake", "agent:judge")
    kept = trace(first.id)
    assert (kept.value or {})["verdict"] == "violates" and kept.input.record.text == "A post."
    assert (kept.flow, kept.agent) == ("mine", "judge")
    assert [bool(one.reply) for one in kept.calls] == [False, True], "both attempts"
    assert trace(again.id) == trace(within.id) == kept
    assert trace(refused.id).status == "refused" and trace(other.id).input.record.text == "Another post."


async def ended_task_runs(state: State[Any], number: int) -> list[TaskRun]:
    """The task runs of that flow run, when that many have ended."""
    run_id = state.state_details.flow_run_id
    assert run_id
    found = list[TaskRun]()
    async with get_client() as client:
        for _ in range(100):
            found = await client.read_task_runs(flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[run_id])))
            if len([run for run in found if run.end_time]) == number:
                return found
            await asyncio.sleep(0.1)
    raise AssertionError(f"not {number} ended task runs: {[(run.name, run.state_name) for run in found]}")


async def test_an_agent_that_is_called_alone_may_use_tools(home: Path) -> None:
    answered = await agent("tool_user", config_dir=home).run(
        "Did the Board allow a post asking a doctor for Adderall?", model="demo", tools=["search"], corpus="osb"
    )
    assert answered.calls == 1 and "(Asking for Adderall®)" in answered.answer, answered
    with pytest.raises(StudyError, match="did you mean 'search'"):
        await agent("tool_user", config_dir=home).run("Why?", model="demo", tools=["serch"], corpus="osb")
    with pytest.raises(StudyError, match=r"names none; give `corpus`"):
        await agent("tool_user", config_dir=home).run("Why?", model="demo", tools=["search"])


async def test_a_refusal_is_an_error_with_its_reason(home: Path, hosted_service: FakeLLM) -> None:
    hosted_service.script(Rule(kind="refusal"))
    with pytest.raises(OutputInvalid, match=r"\w"):
        await agent("judge", config_dir=home).run("A post.", criteria="one", model="fake")


@pytest.mark.parametrize(
    ("name", "record", "settings", "expected"),
    [
        ("jugde", "A post.", {}, "agent('jugde'): there is no such agent; did you mean 'judge'?"),
        ("judge", "A post.", {"criteria": "oen", "model": "fake"}, "there is no criterion 'oen'; did you mean 'one'?"),
        (
            "judge",
            "A post.",
            {"criteria": "one"},
            "agent('judge'): 'judge' lacks the parameter 'model' of its agent; give `model`",
        ),
        (
            "judge",
            "A post.",
            {"criteria": "one", "modle": "fake"},
            "argument `modle`: the agent 'judge' takes no 'modle'",
        ),
        ("judge", {"txt": "A post."}, {"criteria": "one", "model": "fake"}, "give a text, or a dict with `text`"),
        ("judge", "", {"criteria": "one", "model": "fake"}, "the record: the record is empty: no text, no section"),
        ("judge", 3, {"criteria": "one", "model": "fake"}, "the record: an int is no record"),
        ("tool_user", "Why?", {"model": "fake", "tools": 3}, "tools are named in a list"),
    ],
)
async def test_mistakes_are_sentences(
    home: Path, hosted_service: FakeLLM, name: str, record: Any, settings: dict[str, Any], expected: str
) -> None:
    with pytest.raises(StudyError) as raised:
        await agent(name, config_dir=home).run(record, **settings)
    assert expected in str(raised.value) and hosted_service.stats()["calls"] == 0
