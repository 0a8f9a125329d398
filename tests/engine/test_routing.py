"""Routing: branches, loops and hosts, and how skipped steps are shown."""

from __future__ import annotations

from typing import Any

from contract.base import thawed
from tests.support.running import Lab

HEAD = "description: Tiny.\nparameters: {text: {required: true}}\nrecords: parameters.text\n"


def flow_with_loop(head: str, *, until: str = "", rounds: int = 4) -> str:
    """A flow with a loop that counts up."""
    until = f"    until: {until}\n" if until else ""
    return (
        f"{HEAD}steps:\n  rounds:\n    max_rounds: {rounds}\n{until}{head}"
        "    loop:\n"
        "      count: {agent: counter, inputs: {before: previous.count.count}, parameters: {enough_at: 2}}\n"
        "  last: {agent: echo, inputs: {given: count.count}}\n"
        "result: last\n"
    )


async def test_a_false_condition_is_a_child_run_in_the_state_skipped_with_the_reason(lab: Lab) -> None:
    lab.write(
        "flows/tiny.yaml",
        HEAD + "steps:\n"
        "  many: {agent: echo, variants: {tone: [a]}}\n"
        "  both: {agent: echo, inputs: {given: many}, when: given | length >= 2}\n"
        "  last: {agent: echo, inputs: {given: both.text}, parameters: {say: end}}\n"
        "result: last\n",
    )
    ran = await lab.run("text=hello")
    child = ran.server.child("both")
    assert (child.state_name, child.name) == ("Skipped", "both: not needed, one given")
    assert child.state and child.state.message == "given | length >= 2 does not hold: 1 given"
    [row] = ran.rows("both")
    assert (row.status, row.note) == ("skipped", "given | length >= 2 does not hold: 1 given")
    assert ran.state.is_completed()
    assert ran.rows("last")[0].status == "completed"


async def test_a_branch_that_is_taken_says_why_in_words(lab: Lab) -> None:
    lab.write(
        "flows/tiny.yaml",
        HEAD + "steps:\n"
        "  answers: {agent: echo, variants: {tone: [a, b]}}\n"
        "  both: {agent: echo, inputs: {given: answers}, when: given | length >= 2}\n"
        "result: both\n",
    )
    ran = await lab.run("text=hello")
    child = ran.server.child("both")
    assert child.state and child.state.message == "needed, there are at least 2 given"


async def test_too_few_inputs_are_a_visible_skip(lab: Lab) -> None:
    lab.write(
        "flows/tiny.yaml",
        HEAD + "steps:\n"
        "  many: {agent: echo, variants: {tone: [good, bad]}, parameters: {fail_on: bad}}\n"
        "  both: {agent: echo, inputs: {given: many}, min_inputs: 2}\n"
        "result: both\n",
    )
    ran = await lab.run("text=hello")
    assert ran.server.task("both: not possible, one input").state_name == "Skipped"
    assert [(row.status, row.note) for row in ran.rows("both")] == [("skipped", "1 inputs, and min_inputs is 2")]
    assert ran.result is None
    assert ran.lost_task_runs == 0


async def test_a_skipped_loop_has_a_row_for_each_of_its_steps(lab: Lab) -> None:
    lab.write("flows/tiny.yaml", flow_with_loop("    when: parameters.text == 'go'\n"))
    ran = await lab.run("text=hello")
    assert [row.status for row in ran.rows("count")] == ["skipped"]
    assert ran.server.child("rounds").state_name == "Skipped"


async def test_a_loop_ends_by_until_and_carries_its_values(lab: Lab) -> None:
    lab.write("flows/tiny.yaml", flow_with_loop("", until="count.enough"))
    ran = await lab.run("text=hello")
    assert [(row.round, row.value and row.value["count"]) for row in ran.rows("count")] == [(1, 1), (2, 2)]
    assert ran.rows("count")[0].input.inputs["before"] is None
    assert sorted(run.name for run in ran.server.flow_runs) == ["rounds, round 1", "rounds, round 2"]
    assert ("rounds, round 1", "rounds, round 2") in ran.server.edges()
    assert isinstance(ran.result, dict)
    assert ran.result["given"] == 2


async def test_a_loop_ends_by_max_rounds(lab: Lab) -> None:
    lab.write("flows/tiny.yaml", flow_with_loop("", until="count.count > 99", rounds=3))
    ran = await lab.run("text=hello")
    assert [row.round for row in ran.rows("count")] == [1, 2, 3]
    assert len({row.cell_id for row in ran.rows("count")}) == 3


async def test_an_until_that_cannot_be_decided_ends_the_loop_with_a_failed_row(lab: Lab) -> None:
    lab.write("flows/tiny.yaml", flow_with_loop("", until="count.count > 'x'"))
    ran = await lab.run("text=hello")
    assert [row.round for row in ran.rows("count")] == [1]
    [row] = ran.rows("rounds.until")
    assert row.status == "failed"
    assert row.error and "cannot be decided" in row.error.message
    assert ran.state.name == "Incomplete"


HOSTED = """\
steps:
  rounds:
    max_rounds: 5
    host: host
    choices: [left, right]
    loop:
      host:
        agent: llm_host
        inputs: {question: parameters.text, missing: previous.left.items}
        parameters: {model: chooser}
      left:
        agent: look
        description: Looks left.
        inputs: {known: parameters.text}
      right: {agent: look, description: Looks right.}
  last: {agent: echo, inputs: {given: left.text, other: right.text}}
result: last
"""


async def test_a_host_chooses_among_steps_and_hands_them_its_arguments(lab: Lab) -> None:
    lab.write("flows/tiny.yaml", HEAD + HOSTED)
    lab.write_model(
        "chooser",
        {
            "match": "This is round 1",
            "reply": {"target": "right", "inputs": {"what": "east", "known": 7}, "reason": ""},
        },
        {"match": "This is round 2", "reply": {"target": "left", "inputs": {"what": "west"}, "reason": ""}},
        {"match": "This is round 3", "reply": {"target": "stop", "inputs": {}, "reason": "all seen"}},
    )
    ran = await lab.run("text=hello")
    assert ran.state.is_completed()
    right, left = ran.rows("right"), ran.rows("left")
    assert [(row.round, row.status) for row in right] == [(1, "completed"), (2, "skipped"), (3, "skipped")]
    assert [(row.round, row.status) for row in left] == [(1, "skipped"), (2, "completed"), (3, "skipped")]
    assert (left[0].note, right[1].note) == ("the host chose right", "the host chose left")
    assert left[2].note == "the host stopped: all seen"
    assert dict(right[0].input.inputs) == {"what": "east", "known": 7}
    assert dict(left[1].input.inputs) == {"what": "west", "known": "hello"}
    assert isinstance(ran.result, dict)
    assert (ran.result["given"], ran.result["other"]) == ("west", "east")
    skipped = [run.name.split(":")[0] for run in ran.server.cells if run.state_name == "Skipped"]
    assert sorted(skipped) == ["left", "left", "right", "right"]


async def test_a_host_is_not_offered_what_the_flow_binds_and_cannot_set_it(lab: Lab) -> None:
    lab.write("flows/tiny.yaml", HEAD + HOSTED.replace("max_rounds: 5", "max_rounds: 1"))
    reply = {"target": "left", "inputs": {"what": "west", "known": "forged"}, "reason": ""}
    lab.write_model("chooser", {"reply": reply})
    ran = await lab.run("text=hello")
    [host] = ran.rows("host")
    offered: Any = thawed(host.input.inputs["tools"])
    tools = {tool["name"]: set[str](tool["input_schema"]["properties"]) for tool in offered}
    assert (tools["left"], tools["right"]) == ({"what"}, {"what", "known"})
    # The forged value is left out of the choice, so that the step gets what the flow binds.
    assert (host.status, len(host.calls)) == ("completed", 1)
    choice: Any = thawed(host.value)
    assert choice["inputs"] == {"what": "west"}
    [left] = ran.rows("left")
    assert (left.status, left.input.inputs["known"]) == ("completed", "hello")


async def test_a_host_that_stops_at_once_leaves_every_step_visibly_skipped(lab: Lab) -> None:
    lab.write("flows/tiny.yaml", HEAD + HOSTED)
    lab.write_model("chooser", {"reply": {"target": "stop", "inputs": {}, "reason": "nothing to do"}})
    ran = await lab.run("text=hello")
    assert [row.round for row in ran.rows("host")] == [1]
    assert {row.note for row in (*ran.rows("left"), *ran.rows("right"))} == {"the host stopped: nothing to do"}
    assert ran.state.is_completed()
    assert isinstance(ran.result, dict)
    assert ran.result["given"] is None


async def test_a_sequence_host_runs_the_steps_in_its_order(lab: Lab) -> None:
    sequence = HOSTED.replace(
        """        agent: llm_host
        inputs: {question: parameters.text, missing: previous.left.items}
        parameters: {model: chooser}
""",
        """        agent: host
        inputs: {arguments: record.metadata}
        parameters: {sequence: [left, right]}
""",
    )
    lab.write("flows/tiny.yaml", HEAD.replace("parameters.text", "posts") + sequence)
    lab.write_posts([{"record_id": "a", "text": "t", "metadata": {"what": "there", "known": "forged"}}])
    ran = await lab.run("text=hello")
    assert [row.status for row in ran.rows("left")] == ["completed", "skipped", "skipped"]
    assert [row.status for row in ran.rows("right")] == ["skipped", "completed", "skipped"]
    assert ran.rows("left")[0].input.inputs["known"] == "hello"
    assert len(ran.rows("host")) == 3


async def test_an_input_takes_the_first_alternative_that_has_a_value(lab: Lab) -> None:
    lab.write(
        "flows/tiny.yaml",
        HEAD + "steps:\n"
        "  better: {agent: echo, parameters: {say: better}, when: parameters.text == 'go'}\n"
        "  last: {agent: echo, inputs: {given: better.text or parameters.text}}\n"
        "result: last\n",
    )
    [skipped] = (await lab.run("text=stay")).rows("last")
    [went] = (await lab.run("text=go")).rows("last")
    assert thawed(skipped.input.inputs)["given"] == "stay"
    assert thawed(went.input.inputs)["given"] == "better"
