"""The log of a run in the Prefect UI: what happened in about ten lines, and none for a cell."""

from __future__ import annotations

import logging

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import LogFilter, LogFilterFlowRunId
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.run.last_log_line import as_no_error
from flows.server.drain import flush_events
from tests.support.running import Lab

_FLOW = """\
description: Tiny.
parameters: {text: {required: true}, more: {}}
records: parameters.text
steps:
  many: {agent: echo, variants: {tone: [good, bad]}, parameters: {fail_on: bad}}
  both: {agent: echo, inputs: {given: many}, when: given | length >= 2}
  extra: {agent: echo, when: parameters.more}
  last: {agent: echo, inputs: {given: both.text}, parameters: {say: end}}
result: last
"""


async def test_it_names_steps_failures_costs_and_places(lab: Lab, caplog: pytest.LogCaptureFixture) -> None:
    lab.write("flows/tiny.yaml", _FLOW)
    ran = await lab.run("text=hello")
    assert ran.outcome
    lines = [record.getMessage() for record in caplog.records if record.name == "prefect.flow_runs.story"]
    first, *steps = lines
    assert first == "1 record; models: none"
    assert {"many: 1 completed, 1 failed", "both: not needed, one given", "extra: not needed, more is not set"} <= {
        *steps
    }
    assert [line for line in steps if line.startswith("1 cell with ZeroDivisionError, first many, ")], lines
    assert lines[-1] == f"Files: {ran.outcome.folder}"
    assert len(lines) < 10
    cells = [record.getMessage() for record in caplog.records if record.name.startswith("prefect.task_runs")]
    assert cells == ["The agent 'echo' has a bug"], "what the task runs say stands there alone"


async def test_a_step_without_cells_has_done_nothing(lab: Lab, caplog: pytest.LogCaptureFixture) -> None:
    steps = (
        "  first: {agent: echo, variants: {tone: [bad]}, parameters: {fail_on: bad}}\n"
        "  each: {agent: echo, inputs: {given: first}, for_each: given}\n"
    )
    lab.write("flows/tiny.yaml", f"{_FLOW.partition('steps:')[0]}steps:\n{steps}result: each\n")
    await lab.run("text=hello")
    assert "each: nothing to do, no given" in caplog.messages and "each: done" not in caplog.messages


async def test_a_run_that_waits_as_it_should_has_no_error_in_its_log(
    lab: Lab, caplog: pytest.LogCaptureFixture, prefect_api: str
) -> None:
    gate = "consent: {gate: Is it so?, decide: [approve, reject], inputs: {text: first.text}}"
    last = "last: {agent: echo, inputs: {given: consent}}"
    lab.write(
        "flows/tiny.yaml",
        "description: Waits.\nparameters: {text: {required: true}}\nrecords: parameters.text\n"
        f"steps:\n  first: {{agent: echo}}\n  {gate}\n  {last}\nresult: last\n",
    )
    ran = await lab.run("text=hello", "run.ask=later")
    assert ran.state.name == "Waiting"
    lines = {record.getMessage(): record.levelno for record in caplog.records if record.name == "prefect.flow_runs"}
    [last_line] = [
        line for line in lines if line.startswith("Finished in state Waiting('1 question waits for a person")
    ]
    assert lines[last_line] == logging.INFO and max(lines.values()) < logging.ERROR
    with temporary_settings({PREFECT_API_URL: prefect_api}):
        async with get_client() as client:
            await flush_events()
            held = await client.read_logs(LogFilter(flow_run_id=LogFilterFlowRunId(any_=[ran.server.flow_run.id])))
    assert held and max(line.level for line in held) < logging.ERROR


@pytest.mark.parametrize(
    ("state", "level"), [("BudgetReached", "INFO"), ("Suspended", "INFO"), ("Incomplete", "ERROR"), ("Failed", "ERROR")]
)
def test_only_the_end_of_what_went_wrong_is_an_error(state: str, level: str) -> None:
    record = logging.LogRecord("prefect.flow_runs", logging.ERROR, "", 0, f"Finished in state {state}()", None, None)
    assert as_no_error(record) and record.levelname == level
