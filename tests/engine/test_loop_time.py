"""The time of loops and of agents with tools: what was found until then is kept, and the answer is written from it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from contract.base import thawed
from flows.run_folder.replay import replay
from tests.engine.test_presets import QUESTION, study
from tests.support.running import Lab, RunResult
from tests.support.slow_models import NEVER, hang_on_never, take_seconds
from tests.support.tools import COUNTED, calls_turn, final_turn, install_tools, tool_user_flow

DRAFTS: dict[str, Any] = {
    "output_name": "HostChoice",
    "reply": {"target": "draft", "inputs": {}, "reason": "once more"},
}
NEVER_CHOOSES = {"output_name": "HostChoice", "reply": NEVER}


def choices(ran: RunResult) -> list[str]:
    return [thawed(row.value)["target"] for row in ran.rows("host") if row.value]


async def replays_alike(lab: Lab, ran: RunResult) -> bool:
    assert ran.outcome
    (lab.folder / "again").mkdir()
    result = await asyncio.to_thread(replay, ran.outcome.folder, lab.folder / "again")
    return result.different == []


async def test_a_desk_whose_choices_are_slow_answers_from_what_was_found_in_its_time(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_seconds(monkeypatch, 250, "HostChoice")
    study(lab, "desk", one=[], lead=[DRAFTS])
    ran = await lab.run(QUESTION)
    assert choices(ran) == ["draft"] * 3
    assert [row.status for row in ran.rows("draft")] == ["completed", "completed", "skipped"]
    [note] = ran.notes
    assert note == (
        "the 600 seconds of 'rounds' (max_seconds) were over in round 3; "
        "the flow goes on with what was found until then"
    )
    assert ran.rows("draft")[-1].note == "the 600 seconds of 'rounds' (max_seconds) were over"
    assert ran.state.is_completed(), ran.state
    assert thawed(ran.result)["claims"]
    assert await replays_alike(lab, ran)


async def test_a_choice_that_never_comes_is_given_up(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    hang_on_never(monkeypatch)
    study(lab, "desk", one=[], lead=[{**DRAFTS, "times": 1}, NEVER_CHOOSES])
    ran = await lab.run(QUESTION, "flows.desk.steps.rounds.max_seconds=3")
    assert choices(ran) == ["draft"]
    chosen, given_up = ran.rows("host")
    assert (chosen.status, given_up.status) == ("completed", "skipped")
    assert given_up.note == "not finished, the 3 seconds of 'rounds' (max_seconds) were over"
    assert [row.status for row in ran.rows("draft")] == ["completed", "skipped"]
    assert ran.state.is_completed(), ran.state
    assert len(ran.notes) == 1
    assert thawed(ran.result)["claims"]
    assert await replays_alike(lab, ran)


async def test_each_record_has_a_time_of_its_own(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    hang_on_never(monkeypatch)
    lab.write(
        "flows/tiny.yaml",
        """\
description: Tiny.
records: posts
steps:
  rounds:
    max_rounds: 3
    max_seconds: 3
    loop:
      say: {agent: echo, parameters: {hang_on: slow}}
  last: {agent: echo, inputs: {given: say.text}}
result: last
""",
    )
    lab.write_posts([{"record_id": name, "text": name} for name in ("slow", "quick")])
    ran = await lab.run()
    said = [(row.record_id, row.round, row.status) for row in ran.rows("say")]
    assert sorted(said) == [("quick", n, "completed") for n in (1, 2, 3)] + [("slow", 1, "skipped")]
    assert {row.status for row in ran.rows("last")} == {"completed"}


FLOW = tool_user_flow("count_words", parameters="model: x, max_rounds: 9, max_calls: 9, max_seconds: 100")


@pytest.fixture
def _tools(monkeypatch: pytest.MonkeyPatch) -> None:
    install_tools(monkeypatch)
    COUNTED.clear()


@pytest.mark.usefixtures("_tools")
async def test_an_agent_with_tools_answers_when_its_time_is_over(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    take_seconds(monkeypatch, 60)
    lab.write("flows/tiny.yaml", FLOW)
    turns = [calls_turn(("count_words", {"text": f"word {number}"})) for number in range(9)]
    over = {"match": "The time for calls is over", "reply": final_turn("Two words.")}
    lab.write_model("x", over, *({"times": 1, "reply": turn} for turn in turns))
    ran = await lab.run("text=hello")
    [row] = ran.rows("find")
    assert row.status == "completed", row.error
    assert thawed(row.value) == {"answer": "Two words.", "ended": "at_bound", "rounds": 2, "calls": 2}
    assert row.note == "answered because the 100 seconds for calls (max_seconds) were over"
    assert COUNTED == ["word 0"]
    assert row.tools[1].error == "not called, the time for calls (max_seconds) was over"
    assert await replays_alike(lab, ran)


@pytest.mark.usefixtures("_tools")
async def test_a_turn_that_never_comes_is_given_up_and_the_answer_asked_for(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    hang_on_never(monkeypatch)
    lab.write("flows/tiny.yaml", FLOW.replace("max_seconds: 100", "max_seconds: 3"))
    lab.write_model(
        "x",
        {"match": "The time for calls is over", "reply": final_turn("One call.")},
        {"match": "result of count_words", "reply": NEVER},
        {"reply": calls_turn(("count_words", {"text": "a b"}))},
    )
    ran = await lab.run("text=hello")
    [row] = ran.rows("find")
    assert thawed(row.value) == {"answer": "One call.", "ended": "at_bound", "rounds": 1, "calls": 1}
    assert [call.given_up for call in row.calls] == [False, True, False]
    assert await replays_alike(lab, ran)


@pytest.mark.usefixtures("_tools")
@pytest.mark.parametrize("calls", [9, 1])
async def test_an_answer_that_never_comes_is_given_up_too(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, calls: int
) -> None:
    hang_on_never(monkeypatch)
    bounds = f"model: x, max_calls: {calls}, max_seconds: 2, max_answer_seconds: 1"
    lab.write("flows/tiny.yaml", tool_user_flow("count_words", parameters=bounds))
    never = [{"match": match, "reply": NEVER} for match in ("time for calls is over", "No further call is possible")]
    looks = {"match": "result of count_words", "reply": NEVER}
    lab.write_model("x", *never, looks, {"reply": calls_turn(("count_words", {"text": "a b"}))})
    ran = await asyncio.wait_for(lab.run("text=hello"), 60)
    [row] = ran.rows("find")
    assert row.status == "failed" and row.error, row
    assert row.error.message == "no reply within the 1 seconds for the answer (max_answer_seconds)"
    assert [call.tool for call in row.tools] == ["count_words"]
    assert await replays_alike(lab, ran)


@pytest.mark.usefixtures("_tools")
async def test_a_tool_that_hangs_is_given_up_when_the_time_is_over(lab: Lab) -> None:
    lab.write("flows/tiny.yaml", FLOW.replace("max_seconds: 100", "max_seconds: 3").replace("count_words", "hangs"))
    over = {"match": "The time for calls is over", "reply": final_turn("Nothing.")}
    lab.write_model("x", over, {"reply": calls_turn(("hangs", {}))})
    ran = await asyncio.wait_for(lab.run("text=hello"), 60)
    [row] = ran.rows("find")
    assert thawed(row.value) == {"answer": "Nothing.", "ended": "at_bound", "rounds": 1, "calls": 1}, row.error
    assert [call.error for call in row.tools] == ["gave no result before the time for calls (max_seconds) was over"]
    assert row.note == "answered because the 3 seconds for calls (max_seconds) were over"
    assert await replays_alike(lab, ran)


def test_a_time_that_is_none_is_a_mistake(lab: Lab) -> None:
    study(lab, "desk", one=[], lead=[DRAFTS])
    with pytest.raises(Exception, match="max_seconds"):
        lab.compose(QUESTION, "flows.desk.steps.rounds.max_seconds=0")


async def test_a_desk_that_never_stops_says_that_its_rounds_were_used(lab: Lab) -> None:
    study(lab, "desk", one=[], lead=[DRAFTS])
    ran = await lab.run(QUESTION, "flows.desk.steps.rounds.max_rounds=2")
    assert choices(ran) == ["draft", "draft"]
    assert ran.notes == [
        "all 2 rounds of 'rounds' (max_rounds) were used before it was finished; "
        "the flow goes on with what was found until then"
    ]
    assert ran.state.is_completed(), ran.state


@pytest.mark.usefixtures("_tools")
@pytest.mark.parametrize(
    ("bounds", "note"),
    [
        ("max_rounds: 2, max_calls: 9", "answered because all 2 turns with calls (max_rounds) had been used"),
        ("max_rounds: 9, max_calls: 1", "answered because the only call (max_calls) had been made"),
    ],
)
async def test_an_agent_with_tools_says_which_bound_it_reached(lab: Lab, bounds: str, note: str) -> None:
    lab.write("flows/tiny.yaml", tool_user_flow("count_words", parameters=f"model: x, {bounds}"))
    turns = [calls_turn(("count_words", {"text": f"word {number}"})) for number in range(9)]
    over = {"match": "No further call is possible", "reply": final_turn("Two words.")}
    lab.write_model("x", over, *({"times": 1, "reply": turn} for turn in turns))
    ran = await lab.run("text=hello")
    [row] = ran.rows("find")
    assert row.note == note and thawed(row.value)["ended"] == "at_bound", row
