"""Agents that use tools, in a run: each call a task run, kept and replayed, and with a person's consent where asked."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import pytest
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.exceptions import PrefectHTTPStatusError

from contract.base import thawed
from flows.plan.plan import make_plan
from flows.run_folder.replay import replay
from tests.support.running import Lab
from tests.support.tools import COUNTED, calls_turn, final_turn, install_tools, tool_user_flow

FLOW = tool_user_flow("count_words", "broken", parameters="model: x, max_rounds: 3, max_calls: 4")


@pytest.fixture(autouse=True)
def _tools(monkeypatch: pytest.MonkeyPatch) -> None:
    install_tools(monkeypatch)


def _write(lab: Lab, flow: str = FLOW) -> None:
    lab.write("flows/tiny.yaml", flow)
    lab.write_model(
        "x",
        {"match": "result of count_words", "reply": final_turn("Four words.")},
        {"match": "did not allow", "reply": final_turn("Not allowed.")},
        {"match": "hello", "reply": calls_turn(("count_words", {"text": "a b c d"}), ("broken", {}))},
    )


async def test_each_call_is_a_task_run_and_is_in_the_trace(lab: Lab) -> None:
    _write(lab)
    ran = await lab.run("text=hello")
    [row] = ran.rows("find")
    assert row.status == "completed", row.error
    assert thawed(row.value) == {"answer": "Four words.", "ended": "answered", "rounds": 1, "calls": 2}
    counted, broken = row.tools
    assert (counted.tool, counted.result, thawed(counted.arguments)) == ("count_words", 4, {"text": "a b c d"})
    assert broken.error == "failed with an error of its own (ZeroDivisionError)"
    assert ran.server.task("count_words").state_name == "Completed"
    assert ran.server.task("broken").state_name == "ToolFailed"
    assert ran.lost_task_runs == 0


async def test_a_tool_that_ends_the_program_or_returns_another_type_fails_and_the_run_goes_on(lab: Lab) -> None:
    lab.write("flows/tiny.yaml", tool_user_flow("leaves", "gives_up", "misfit"))
    calls = calls_turn(("leaves", {}), ("gives_up", {}), ("misfit", {}))
    lab.write_model("x", {"match": "error of misfit", "reply": final_turn("Done.")}, {"reply": calls})
    ran = await lab.run("text=hello")
    [row] = ran.rows("find")
    assert row.status == "completed", row.error
    told = [call.error or "" for call in row.tools]
    assert told[:2] == [f"failed with an error of its own ({name})" for name in ("SystemExit", "CancelledError")]
    assert told[2].startswith("its result does not fit the type that it declares: input should be a valid integer")


async def test_a_second_run_calls_no_tool_and_a_replay_gives_the_same_bytes(lab: Lab) -> None:
    _write(lab)
    first = await lab.run("text=hello")
    COUNTED.clear()
    again = await lab.run("text=hello")
    assert COUNTED == [] and again.calls[0] == 0
    # Another template makes another cell and other replies; the same calls of tools are found.
    lab.write("prompts/tool_user.md", "user:\nOther words. {{ record.text }}\n")
    other = await lab.run("text=hello")
    assert COUNTED == ["broken"]
    assert [call.from_cache for call in other.rows("find")[0].tools] == [True, False]
    assert first.outcome
    COUNTED.clear()
    (lab.folder / "again").mkdir()
    result = await asyncio.to_thread(replay, first.outcome.folder, lab.folder / "again")
    assert (result.different, result.recorded, COUNTED) == ([], 0, [])


async def _decide(client: PrefectClient, answer: dict[str, Any], seen: list[str]) -> None:
    while True:
        wanted = {"flow_runs": {"state": {"type": {"any_": [StateType.PAUSED]}}}}
        response = await client.request("POST", "/flow_runs/filter", json=wanted)
        for run in map(FlowRun.model_validate, response.json()):
            keyset = run.state.state_details.run_input_keyset if run.state else None
            # The run is paused a moment before its question exists.
            with suppress(PrefectHTTPStatusError):
                seen.append(await client.read_flow_run_input(run.id, (keyset or {})["description"]))
                await client.resume_flow_run(run.id, run_input=answer)
                return
        await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    ("answer", "called", "decision"),
    [
        ({"decision": "approve"}, ["a b c d"], "approved"),
        ({"decision": "edit", "value": '{"text": "x"}'}, ["x"], "modified"),
        ({"decision": "reject", "comment": "no need"}, [], "rejected"),
        ({"decision": "stop", "comment": "enough"}, [], None),
    ],
    ids=["approve", "edit", "reject", "stop"],
)
async def test_a_person_is_asked_first(
    lab: Lab, answer: dict[str, Any], called: list[str], decision: str | None
) -> None:
    _write(lab, FLOW.replace("[count_words, broken]", "[count_words, broken]\n    approve: [count_words]"))
    COUNTED.clear()
    seen: list[str] = []
    ran = await lab.run("text=hello", during_run=lambda client: _decide(client, answer, seen))
    assert "a b c d" in seen[0]
    assert [one for one in COUNTED if one != "broken"] == called
    [row] = ran.rows("find")
    if decision is None:
        assert row.error and "a person stopped at the call of count_words: enough" in row.error.message
    else:
        assert row.tools[0].decision == decision
        assert ran.server.child("count_words, a person is asked").state_name == "Completed"


def test_the_plan_counts_every_turn(lab: Lab) -> None:
    _write(lab)
    assert make_plan(lab.compose("text=hello")).model_calls == (1, 4)
