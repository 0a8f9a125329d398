"""Human gates: the run waits for a person and continues with a typed answer."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.responses import SetStateStatus
from prefect.exceptions import PrefectHTTPStatusError

from flows.gates.kept_answers import KeptAnswers
from flows.gates.read_answer import read_answer
from flows.results.open import result_store
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


async def test_a_form_that_nobody_fills_in_in_time_leaves_the_question_open(lab: Lab) -> None:
    lab.write("flows/tiny.yaml", FLOW.replace("timeout_seconds: 60", "timeout_seconds: 1"))
    ran = await lab.run("text=hello")
    assert ran.state.name == "Waiting"
    assert ran.server.child("consent, a person").state_name == "Waiting"
    assert ran.outcome and [one.gate for one in ran.outcome.waiting] == ["consent"]


async def test_an_answer_from_elsewhere_ends_the_waiting_for_the_form(lab: Lab) -> None:
    lab.write("flows/tiny.yaml", FLOW)

    async def answer(client: PrefectClient) -> None:
        await wait_for_gate(client, "consent")
        kept = KeptAnswers(result_store(str(lab.folder / "results")))
        [key] = [path.name for path in (lab.folder / "results" / "questions").glob("*/*")]
        question = await kept.question(key)
        assert question
        values = {"publish": "yes", "remark": "from elsewhere", "by": "ana"}
        read = read_answer(question, values, "command")
        assert read.answer
        await kept.keep(question, read.answer)

    ran = await lab.run("text=hello", during_run=answer)
    assert ran.state.is_completed()
    assert ran.rows("last")[0].input.inputs["given"] == "from elsewhere"
    assert ran.server.child("consent, a person").state_name == "Completed"


async def test_a_form_asks_again_for_what_cannot_be_taken_and_shows_several_at_once(lab: Lab) -> None:
    decide = "    decide: [approve, edit]\n    value: draft\n    timeout_seconds: 60\n"
    flow = FLOW.replace("    timeout_seconds: 60\n", decide).replace("publish", "sure")
    flow = flow.replace("when: consent.sure", "when: consent.approved").replace(
        "parameters: {text: {required: true}}\n", ""
    )
    lab.write("flows/tiny.yaml", flow.replace("records: parameters.text", "records: posts"))
    lab.write_posts([{"record_id": name, "text": f"Text {name}."} for name in "abc"])
    seen: list[str] = []

    async def answer(client: PrefectClient) -> None:
        first = {"decision": "approve", "sure": "yes", "by": "ana"}
        for form in (
            {"question_1": first, "question_2": {"decision": "edit", "value": "", "sure": "no"}},
            {"question_1": {"decision": "edit", "value": "B.", "sure": "no"}, "question_2": first},
        ):
            run, described = await wait_for_gate(client, "consent")
            while seen and described == seen[-1]:
                await asyncio.sleep(0.05)
                run, described = await wait_for_gate(client, "consent")
            seen.append(described)
            resumed = await client.resume_flow_run(run.id, run_input=form)
            assert resumed.status == SetStateStatus.ACCEPT, resumed

    ran = await lab.run(during_run=answer)
    assert ran.state.is_completed(), ran.state
    assert "question\\_3" in seen[0] or "question_3" in seen[0]
    assert "the changed value is missing" in seen[1] and "question_3" not in seen[1]
    answers = {row.record_id: row.answer for row in ran.rows("consent") if row.answer}
    assert [(one.decision, one.by) for one in answers.values()] == [
        ("approve", "ana"),
        ("edit", ""),
        ("approve", "ana"),
    ]
