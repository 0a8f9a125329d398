"""Cells: each ends as a row, whatever happens in it, and a failed one fails no other."""

from __future__ import annotations

import asyncio
import logging
from decimal import Decimal

import pytest

from agents.llms import rate_limits as limits
from contract.messages import AgentTrace
from tests.support.running import Lab

FLOW = """\
description: Tiny.
parameters: {question: {required: true}}
records: parameters.question
steps:
  ask:
    agent: llm
    parameters: {template: "user:\\n{{ record.text }}"}
    variants: {model: [%s]}
  gathered: {agent: echo, inputs: {given: ask.text}}
result: gathered
"""
GOOD = {"reply": {"text": "fine"}}


def write_flow(lab: Lab, *models: str) -> None:
    """Writes a flow that asks those models the same question and gathers their replies."""
    lab.write("flows/tiny.yaml", FLOW % ", ".join(models))


def by_model(rows: list[AgentTrace]) -> dict[object, AgentTrace]:
    """The rows of a step that asks several models."""
    return {row.variant["model"]: row for row in rows}


async def test_a_failed_cell_is_a_row_and_its_siblings_continue(lab: Lab) -> None:
    lab.write_model("good", GOOD)
    lab.write_model("bad", {"error": "ModelRejected"})
    write_flow(lab, "good", "bad")
    ran = await lab.run("question=Why?")
    rows = by_model(ran.rows("ask"))
    assert (rows["good"].status, rows["bad"].status) == ("completed", "failed")
    assert rows["bad"].error and rows["bad"].error.kind == "ModelRejected"
    assert rows["bad"].attempts == 1
    assert rows["bad"].calls[0].error == "scripted ModelRejected from 'bad'"
    assert isinstance(ran.result, dict)
    assert ran.result["given"] == ["fine"]
    assert ran.rows("gathered")[0].parents == (rows["good"].cell_id,)
    assert (ran.state.name, ran.state.message) == ("Incomplete", "1 cell has no output: 2 completed, 1 failed")
    assert ran.server.task("bad").state_name == "Failed"
    bad_edge = [(start, end) for start, end in ran.server.edges() if "bad" in start]
    assert bad_edge == [(ran.server.task("bad").name, ran.server.task("echo").name)]


async def test_refused_and_cut_replies_are_states_of_their_own_and_only_the_cut_one_is_asked_again(lab: Lab) -> None:
    lab.write_model("shy", {"reply": "I cannot.", "finish_reason": "refusal"})
    lab.write_model("long", {"reply": "It is so that", "finish_reason": "length"})
    write_flow(lab, "shy", "long")
    ran = await lab.run("question=Why?")
    rows = by_model(ran.rows("ask"))
    assert (rows["shy"].status, rows["long"].status) == ("refused", "truncated")
    assert (rows["shy"].raw_reply, rows["long"].finish_reason) == ("I cannot.", "length")
    assert "raise max_tokens" in (rows["long"].note or "")
    assert (ran.server.task("shy").state_name, ran.server.task("long").state_name) == ("Refused", "Truncated")
    assert isinstance(ran.result, dict)
    assert ran.result["given"] == []
    again = await lab.run("question=Why?")
    assert (ran.calls, again.calls) == ((2, 0), (1, 1))
    assert {row.status for row in again.rows("ask")} == {"refused", "truncated"}
    assert again.server.task("shy").state_name == "Cached"


async def test_a_refusal_is_an_outcome_and_no_failure(lab: Lab) -> None:
    lab.write_model("shy", {"reply": "I cannot.", "finish_reason": "refusal"})
    write_flow(lab, "shy")
    ran = await lab.run("question=Why?")
    assert ran.state.is_completed()


async def test_a_reply_that_never_fits_keeps_every_call(lab: Lab) -> None:
    lab.write_model("odd", {"reply": {"nobody": "asked"}})
    write_flow(lab, "odd")
    ran = await lab.run("question=Why?")
    [row] = ran.rows("ask")
    assert row.error and row.error.kind == "OutputInvalid"
    assert [bool(call.reply and call.error) for call in row.calls] == [True, True, True]
    assert [len(call.messages) for call in row.calls] == [1, 3, 5]
    assert (row.attempts, ran.calls) == (1, (3, 0))


async def test_transient_errors_are_retried_by_prefect_and_every_call_is_recorded(lab: Lab) -> None:
    lab.write_model("busy", {"error": "RateLimited", "times": 1}, {"error": "ModelUnavailable", "times": 1}, GOOD)
    write_flow(lab, "busy")
    ran = await lab.run("question=Why?")
    [row] = ran.rows("ask")
    assert (row.status, row.attempts) == ("completed", 3)
    assert [call.error is None for call in row.calls] == [False, False, True]
    assert ran.calls == (1, 0)
    assert ran.server.task("busy").run_count == 3


async def test_retries_end(lab: Lab) -> None:
    lab.write_model("down", {"error": "ModelUnavailable"})
    write_flow(lab, "down")
    ran = await lab.run("question=Why?", "run.retries=2")
    [row] = ran.rows("ask")
    assert (row.status, row.attempts, len(row.calls)) == ("failed", 3, 3)
    assert row.error and row.error.kind == "ModelUnavailable"
    assert row.cost_usd == Decimal(0)


async def test_a_later_calls_rate_limit_does_not_pay_for_the_first_call_again(lab: Lab) -> None:
    lab.write_model(
        "odd",
        {"match": "That reply cannot be used", "error": "RateLimited", "times": 1},
        {"match": "That reply cannot be used", **GOOD},
        {"reply": {"nobody": "asked"}, "times": 1},
    )
    write_flow(lab, "odd")
    ran = await lab.run("question=Why?")
    [row] = ran.rows("ask")
    assert (row.status, row.attempts) == ("completed", 2)
    assert [(call.reply is not None, call.from_cache) for call in row.calls] == [
        (True, False),
        (False, False),
        (True, False),
    ]
    assert ran.calls == (2, 0)


async def test_the_wait_that_a_service_asks_for_is_kept(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []

    class Watched(limits.Clock):
        def __init__(self) -> None:
            now = 0.0

            async def sleep(seconds: float) -> None:
                nonlocal now
                slept.append(seconds)
                now += seconds
                await asyncio.sleep(0)

            super().__init__(now=lambda: now, sleep=sleep)

    monkeypatch.setattr(limits, "Clock", Watched)
    lab.write_model("busy", {"error": "RateLimited", "retry_after": 17, "times": 1}, GOOD)
    write_flow(lab, "busy")
    ran = await lab.run("question=Why?")
    assert slept == [17]
    assert ran.rows("ask")[0].status == "completed"


async def test_a_missing_input_is_a_row_without_a_call(lab: Lab) -> None:
    lab.write(
        "flows/tiny.yaml",
        "description: Tiny.\nparameters: {question: {required: true}}\nrecords: parameters.question\nsteps:\n"
        "  first: {agent: echo, when: 'false'}\n"
        "  last: {agent: look, inputs: {what: first.text}}\nresult: last\n",
    )
    ran = await lab.run("question=Why?")
    [row] = ran.rows("last")
    assert row.status == "missing_input"
    assert row.error and "what" in row.error.message
    assert ran.state.name == "Incomplete"


async def test_a_bug_in_an_agent_is_that_cells_failure(lab: Lab, caplog: pytest.LogCaptureFixture) -> None:
    lab.write(
        "flows/tiny.yaml",
        "description: Tiny.\nparameters: {question: {required: true}}\nrecords: parameters.question\nsteps:\n"
        "  said: {agent: echo, variants: {tone: [good, bad]}, parameters: {fail_on: bad}}\n"
        "  key: {agent: fragile_key}\n"
        "  last: {agent: echo, inputs: {given: said.text}}\nresult: last\n",
    )
    with caplog.at_level(logging.ERROR, logger="prefect"):
        ran = await lab.run("question=Why?")
    failed = {row.step: row.error for row in ran.traces if row.status == "failed" and row.error}
    assert {error.kind for error in failed.values()} == {"ZeroDivisionError"}
    assert (failed["key"].message, failed["said"].message) == ("a bug in a cache key", "a bug in an agent")
    assert isinstance(ran.result, dict)
    assert len(ran.result["given"]) == 1  # type: ignore[arg-type]
    assert "a bug in a cache key" in caplog.text
    cells = (ran.outcome.folder / "cells.csv").read_text() if ran.outcome else ""
    assert "Traceback" not in cells
