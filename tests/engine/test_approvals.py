"""Approvals: a person lets a host's choice through, or not."""

from __future__ import annotations

import pytest
from prefect.client.orchestration import PrefectClient

from contract.errors import StudyError
from tests.engine.test_gate import wait_for_gate
from tests.support.running import Lab

FLOW = """\
description: Tiny.
parameters: {text: {required: true}}
records: parameters.text
steps:
  rounds:
    max_rounds: 2
    host: order
    choices: [risky, safe]
    approve: [risky]
    loop:
      order: {agent: host, parameters: {sequence: [risky, safe]}}
      risky: {agent: echo, parameters: {say: risk}}
      safe: {agent: echo, parameters: {say: care}}
result: safe
"""


@pytest.mark.parametrize("allowed", [True, False])
async def test_a_person_is_asked_before_the_step_and_only_before_it(lab: Lab, allowed: bool) -> None:
    lab.write("flows/tiny.yaml", FLOW)
    asked: list[str] = []

    async def answer(client: PrefectClient) -> None:
        run, described = await wait_for_gate(client, "approve_risky")
        asked.append(described)
        await client.resume_flow_run(run.id, run_input={"decision": "approve" if allowed else "reject"})

    ran = await lab.run("text=hello", during_run=answer)
    assert "May the step 'risky' run?" in asked[0] and "number 1 in the sequence" in asked[0]
    first, second = ran.rows("risky")
    assert (first.status, second.note) == ("completed" if allowed else "skipped", "the host chose safe")
    assert [row.status for row in ran.rows("safe")] == ["skipped", "completed"]
    assert ran.state.is_completed()


def test_a_step_that_the_host_cannot_choose_needs_no_approval(lab: Lab) -> None:
    lab.write("flows/tiny.yaml", FLOW.replace("approve: [risky]", "approve: [riksy]"))
    with pytest.raises(StudyError, match=r"tiny.yaml:9: `approve` names 'riksy'.*did you mean 'risky'"):
        lab.compose("text=hello")
