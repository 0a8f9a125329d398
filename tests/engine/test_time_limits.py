"""Time limits of gates: what the policy decides holds for every record, and nothing is approved by itself."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.running import Lab

FLOW = """\
description: Tiny.
records: posts
steps:
  consent:
    gate: Is this fit to be published?
    decide: [approve, reject]
    on_timeout: {policy}
    timeout_seconds: 1
    inputs: {{text: record.text}}
  last: {{agent: echo, inputs: {{given: consent.decision}}}}
result: last
"""


def _study(lab: Lab, policy: str, records: int) -> None:
    lab.write("flows/tiny.yaml", FLOW.format(policy=policy))
    lab.write_posts([{"record_id": f"p{one}", "text": f"Post {one}."} for one in range(records)])


@pytest.mark.parametrize(
    ("policy", "state", "last"),
    [("reject", "Completed", "skipped"), ("skip", "Completed", "skipped"), ("fail", "Incomplete", "failed"),
     ("wait", "Waiting", "waiting")],
)  # fmt: skip
async def test_when_the_time_is_up_nothing_is_approved(lab: Lab, policy: str, state: str, last: str) -> None:
    _study(lab, policy, 1)
    first = await lab.run("run.ask=later")
    assert first.state.name == "Waiting"
    await asyncio.sleep(1)
    ran = await lab.run("run.ask=later")
    assert ran.state.name == state and [row.status for row in ran.rows("last")] == [last]
    # A person who answers later is heard.
    answers = lab.write("late.yaml", "answers: [{gate: consent, record: p0, decision: approve}]")
    late = await lab.run("run.ask=later", f"answers={answers}")
    assert late.state.is_completed() and [row.status for row in late.rows("last")] == ["completed"]


@pytest.mark.parametrize("records", [2, 23])
async def test_a_form_that_nobody_fills_in_in_time_decides_every_record(lab: Lab, records: int) -> None:
    _study(lab, "reject", records)
    ran = await lab.run()
    assert [row.status for row in ran.rows("last")] == ["skipped"] * records
    assert ran.state.is_completed() and not (ran.outcome and ran.outcome.waiting)
    told = f"nobody answered at 'consent' in time for {records} records, so on_timeout decided: reject"
    assert ran.notes[-1] == told


async def test_a_question_that_is_new_beside_one_whose_time_is_up_gets_its_form(lab: Lab) -> None:
    _study(lab, "reject", 1)
    await lab.run()
    _study(lab, "reject", 2)
    ran = await lab.run()
    assert any("questions wait up to 1 s for a form" in note for note in ran.notes), ran.notes
    assert [row.status for row in ran.rows("last")] == ["skipped", "skipped"]


LOOP = """\
description: Tiny.
records: posts
steps:
  turns:
    max_rounds: 3
    until: consent.approved
    loop:
      draft: {{agent: echo, inputs: {{given: record.text}}}}
      consent:
        gate: Is this fit to be published?
        decide: [approve, reject]
        on_timeout: {policy}
        timeout_seconds: 1
        inputs: {{text: draft.text}}
  last: {{agent: echo, inputs: {{given: consent.decision}}}}
result: last
"""


@pytest.mark.parametrize(
    ("policy", "rounds", "last"), [("skip", 1, "skipped"), ("fail", 1, "failed"), ("reject", 3, "skipped")]
)
async def test_a_loop_in_which_nobody_answers_in_time_asks_no_more(
    lab: Lab, policy: str, rounds: int, last: str
) -> None:
    _study(lab, policy, 1)
    lab.write("flows/tiny.yaml", LOOP.format(policy=policy))
    ran = await lab.run()
    assert len(ran.rows("draft")) == rounds and [row.status for row in ran.rows("last")] == [last]
