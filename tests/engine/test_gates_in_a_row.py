"""Several gates: one that is not asked, because of another or of its condition, has a row all the same."""

from __future__ import annotations

import pytest

from flows.plan.plan import make_plan
from tests.support.running import Lab

FLOW = """\
description: Tiny.
records: posts
steps:
  text_fit:
    gate: Is the text fit?
    decide: [approve, reject]
    inputs: {text: record.text}
  both_fit:
    gate: And both together?
    decide: [approve, reject]
    inputs: {text: record.text, before: text_fit.decision}
  last: {agent: echo, inputs: {given: record.text}, when: not both_fit.approved}
result: last
"""


@pytest.mark.parametrize(
    ("answer", "status", "why"),
    [
        ("", "waiting", "waits for an answer at 'text_fit'"),
        ("- {gate: text_fit, record: p1, decision: reject, by: Ana}", "skipped", "rejected at 'text_fit' by Ana"),
    ],
)
async def test_a_gate_behind_one_without_a_yes_has_a_row_and_decides_nothing(
    lab: Lab, answer: str, status: str, why: str
) -> None:
    lab.write("flows/tiny.yaml", FLOW)
    lab.write_posts([{"record_id": "p1", "text": "A post."}])
    answers = [f"answers={lab.write('a.yaml', f'answers:{chr(10)}{answer}{chr(10)}')}"] if answer else []
    ran = await lab.run("run.ask=later", *answers)
    for step in ("both_fit", "last"):
        [row] = ran.rows(step)
        assert (row.status, row.error.message if row.error else row.note) == (status, why)


async def test_a_gate_whose_condition_does_not_hold_has_a_row(lab: Lab) -> None:
    flow = FLOW.replace("And both together?", "And both together?\n    when: record.text == 'other'")
    lab.write("flows/tiny.yaml", flow)
    lab.write_posts([{"record_id": "p1", "text": "A post."}])
    yes = lab.write("a.yaml", "answers: [{gate: text_fit, record: p1, decision: approve}]")
    [row] = (await lab.run("run.ask=later", f"answers={yes}")).rows("both_fit")
    assert row.agent == "person" and row.status == "skipped" and row.note and "does not hold" in row.note


def test_the_plan_counts_a_gate_in_each_round_of_its_loop(lab: Lab) -> None:
    loop = "  rounds:\n    max_rounds: 3\n    until: fit.approved\n    loop:\n"
    gate = "      fit: {gate: Fit?, decide: [approve, reject], inputs: {text: record.text}}\nresult: fit\n"
    lab.write("flows/tiny.yaml", f"description: Tiny.\nrecords: posts\nsteps:\n{loop}{gate}")
    lab.write_posts([{"record_id": f"p{one}", "text": f"Post {one}."} for one in range(2)])
    [step] = make_plan(lab.compose(), 2).steps
    assert (step.least, step.most) == (0, 6)
