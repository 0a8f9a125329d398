"""The log of a run in the Prefect UI: what happened in about ten lines, and none for a cell."""

from __future__ import annotations

import pytest

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
