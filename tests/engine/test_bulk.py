"""Runs of many records: a cell is reported to the server when it has ended, with its times, attempts and state."""

from __future__ import annotations

import pytest

from tests.support.running import Lab

FLOW = """\
description: Many.
records: posts
steps:
  ask:
    agent: llm
    parameters: {template: "user:\\n{{ record.text }}", model: shaky}
  gathered: {agent: echo, inputs: {given: ask.text}}
result: gathered
"""
FINE = {"reply": {"text": "fine"}}


@pytest.fixture
def many(lab: Lab) -> Lab:
    """Four posts, two of which go through the flow together."""
    lab.write_posts([{"record_id": f"r{n}", "text": f"post {n}"} for n in range(4)])
    lab.write("flows/tiny.yaml", FLOW)
    lab.settings = ["run.batch=2", "run.concurrency=1"]
    return lab


async def test_the_server_holds_times_attempts_and_states_of_every_cell(many: Lab) -> None:
    many.write_model("shaky", {"error": "RateLimited", "times": 1}, {"match": "post 3", "error": "ModelRejected"}, FINE)
    ran = await many.run()
    asked = {row.record_id: row for row in ran.rows("ask")}
    assert sorted(row.status for row in asked.values()) == ["completed", "completed", "completed", "failed"]
    assert (ran.lost_task_runs, len(ran.server.cells)) == (0, 8)
    held = {run.name.split(", ")[1]: run for run in ran.server.cells if run.name.startswith("llm")}
    for record, row in asked.items():
        run = held[record]
        assert run.state_name == ("Completed" if row.status == "completed" else "Failed")
        assert run.run_count == row.attempts
        assert run.start_time and run.end_time and run.start_time <= run.end_time
    assert sorted(row.attempts for row in asked.values()) == [1, 1, 1, 2]
    assert ("llm", "echo") in {(start.split(",")[0], end.split(",")[0]) for start, end in ran.server.edges()}


async def test_the_same_run_again_reads_every_cell_back(many: Lab) -> None:
    many.write_model("shaky", FINE)
    first = await many.run()
    again = await many.run()
    assert (first.calls, again.calls) == ((4, 0), (0, 4))
    assert {run.state_name for run in again.server.cells if run.name.startswith("llm")} == {"Cached"}
    assert again.outcome and first.outcome
    assert again.outcome.results == first.outcome.results


async def test_a_cell_that_takes_too_long_is_retried_and_reported(many: Lab) -> None:
    many.write_model("shaky", FINE)
    many.write("flows/tiny.yaml", FLOW.replace("agent: echo,", "agent: echo, parameters: {hang_on: post 3},"))
    ran = await many.run("run.timeout_seconds=0.5", "run.retries=1")
    (row,) = [row for row in ran.rows("gathered") if row.status != "completed"]
    assert (row.record_id, row.status, row.attempts) == ("r3", "failed", 2)
    (held,) = [run for run in ran.server.cells if run.name == "echo, r3"]
    assert (held.state_name, held.run_count) == ("TimedOut", 2)
    assert held.state and "exceeded timeout of 0.5 second" in str(held.state.message)
