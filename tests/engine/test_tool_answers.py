"""Answers about calls of tools: the last one counts, from a file as well as kept; a wrong one loses no call."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.running import Lab, RunResult
from tests.support.tools import COUNTED, calls_turn, final_turn, install_tools, tool_user_flow

FLOW = tool_user_flow("count_words").replace("[count_words]", "[count_words]\n    approve: [count_words]")


@pytest.fixture
def asking_lab(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Lab:
    install_tools(monkeypatch)
    lab.settings = [*lab.settings, "run.ask=later"]
    lab.write("flows/tiny.yaml", FLOW)
    lab.write_model(
        "x",
        {"match": "result of count_words", "reply": final_turn("Counted.")},
        {"match": "did not allow", "reply": final_turn("Not allowed.")},
        {"match": "hello", "reply": calls_turn(("count_words", {"text": "a b c d"}))},
    )
    COUNTED.clear()
    return lab


async def _answered(lab: Lab, first: RunResult, answer: str) -> RunResult:
    record = first.rows("find")[0].record_id
    path = lab.write("a.yaml", f"answers: [{{gate: find.count_words, record: {record}, {answer}}}]")
    return await lab.run("text=hello", f"answers={path}")


@pytest.mark.parametrize("before", ["stop", "reject", "approve"])
@pytest.mark.parametrize(
    ("answer", "decision", "called"),
    [("decision: approve", "approved", "a b c d"), ("decision: reject", "rejected", None),
     ("decision: modify, value: {text: x}", "modified", "x")],
)  # fmt: skip
async def test_a_later_answer_in_a_file_counts_more_than_the_kept_one(
    asking_lab: Lab, before: str, answer: str, decision: str, called: str | None
) -> None:
    first = await asking_lab.run("text=hello")
    assert first.state.name == "Waiting"
    await _answered(asking_lab, first, f"decision: {before}")
    COUNTED.clear()
    ran = await _answered(asking_lab, first, answer)
    [row] = ran.rows("find")
    assert [one.decision for one in row.tools] == [decision], row.error
    # What was called before is kept.
    assert set(COUNTED) <= {called}
    assert not any("fits no question" in note for note in ran.notes)


async def test_arguments_that_do_not_fit_are_told_and_lose_no_call_of_the_account(asking_lab: Lab) -> None:
    first = await asking_lab.run("text=hello", "run.results=" + str(asking_lab.folder / "elsewhere"))
    ran = await _answered(asking_lab, first, "decision: edit, value: {txt: x}")
    [row] = ran.rows("find")
    assert (row.status, len(row.calls), COUNTED) == ("waiting", 1, [])
    told: list[Any] = [note for note in ran.notes if "a.yaml:1: arguments:" in note]
    assert len(told) == 2 and "'txt' was unexpected" in told[0], ran.notes
    assert ran.outcome and [one.gate for one in ran.outcome.waiting] == ["find.count_words"]
    assert (await _answered(asking_lab, first, "decision: edit, value: {text: x}")).state.is_completed()
    assert COUNTED == ["x"]
