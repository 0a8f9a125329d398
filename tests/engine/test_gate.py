"""Human gates: the run waits for a person and continues with a typed answer."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.exceptions import PrefectHTTPStatusError

from contract.errors import RunError
from tests.support.running import Lab

FLOW = """\
description: Tiny.
parameters: {text: {required: true}}
records: parameters.text
steps:
  first: {agent: echo}
  consent:
    gate: Is this fit to be published?
    timeout_seconds: 60
    inputs: {draft: first.text}
    fields:
      publish: {type: yes_no, description: Whether it may go out.}
      remark: {type: text, default: none}
  last: {agent: echo, inputs: {given: consent.remark, other: first.text}, when: consent.publish}
result: last
"""


async def wait_for_gate(client: PrefectClient, name: str) -> tuple[FlowRun, str]:
    """Waits until a person could answer the gate of that name; returns the gate's run and its question."""
    while True:
        wanted = {"flow_runs": {"state": {"type": {"any_": [StateType.PAUSED]}}, "name": {"like_": name}}}
        response = await client.request("POST", "/flow_runs/filter", json=wanted)
        for run in map(FlowRun.model_validate, response.json()):
            keyset = run.state.state_details.run_input_keyset if run.state else None
            # The run is paused a moment before its question exists.
            with suppress(PrefectHTTPStatusError):
                return run, await client.read_flow_run_input(run.id, (keyset or {})["description"])
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("publish", [True, False])
async def test_the_run_waits_for_a_person_and_later_steps_see_the_answer(lab: Lab, publish: bool) -> None:
    lab.write("flows/tiny.yaml", FLOW)
    asked: list[str] = []

    async def answer(client: PrefectClient) -> None:
        run, described = await wait_for_gate(client, "consent")
        asked.append(described)
        await client.resume_flow_run(run.id, run_input={"publish": publish, "remark": "well done"})

    ran = await lab.run("text=hello", during_run=answer)
    assert "Is this fit to be published?" in asked[0]
    assert "hello" in asked[0]
    [row] = ran.rows("last")
    assert row.status == ("completed" if publish else "skipped")
    assert row.input.inputs["given"] == "well done"
    assert ran.server.child("consent, a person").state_name == "Completed"
    edges = ran.server.edges()
    assert any("echo" in start and "consent" in end for start, end in edges)
    assert any("consent" in start and "last" in end for start, end in edges)


async def test_a_gate_without_an_answer_ends_the_run_in_plain_words(lab: Lab) -> None:
    lab.write("flows/tiny.yaml", FLOW.replace("timeout_seconds: 60", "timeout_seconds: 1"))
    ran = await lab.run("text=hello")
    assert ran.state.is_failed()
    with pytest.raises(RunError, match=r"no answer to 'Is this fit to be published\?' within 1 s"):
        await ran.state.aresult()
    assert ran.server.child("consent, a person").state_name == "Failed"
