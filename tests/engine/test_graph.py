"""The graph that a run leaves on the server: a task run for each cell, the edges of its inputs, and child runs."""

from __future__ import annotations

from tests.support.running import Lab

FLOW = """\
description: Two tones, gathered.
parameters: {text: {required: true}}
records: parameters.text
steps:
  first: {agent: look, inputs: {what: record.text}}
  said: {agent: echo, inputs: {given: first.text}, variants: {tone: [mild, harsh]}}
  gathered: {agent: gather, inputs: {given: said.text}, parameters: {say: both}}
  branch: {agent: look, inputs: {what: gathered.text, known: first.text}, when: gathered.items | length == 2}
  last: {agent: echo, inputs: {given: branch.text, other: gathered.text}}
result: last
"""


async def test_every_cell_is_a_task_run_named_after_agent_variant_and_record(lab: Lab) -> None:
    lab.write("flows/tiny.yaml", FLOW)
    ran = await lab.run("text=hello")
    record = ran.traces[0].record_id
    assert ran.lost_task_runs == 0
    assert ran.server.flow_run.name == "tiny: hello"
    assert sorted(run.name for run in ran.server.cells) == sorted(
        [
            f"look, {record}",
            f"echo, mild, {record}",
            f"echo, harsh, {record}",
            f"gather, {record}",
            f"look, {record}",
            f"echo, {record}",
        ]
    )
    assert {run.state_name for run in ran.server.task_runs} == {"Completed"}


async def test_edges_are_those_of_the_inputs_and_no_others(lab: Lab) -> None:
    lab.write("flows/tiny.yaml", FLOW)
    ran = await lab.run("text=hello")
    record = ran.traces[0].record_id
    look, gathered = f"look, {record}", f"gather, {record}"
    mild, harsh = f"echo, mild, {record}", f"echo, harsh, {record}"
    assert ran.server.edges() == {
        (look, mild),
        (look, harsh),
        (mild, gathered),
        (harsh, gathered),
        (look, "branch"),
        (gathered, "branch"),
        ("branch", f"echo, {record}"),
        (gathered, f"echo, {record}"),
    }


async def test_the_graph_of_the_ui_holds_the_child_run_between_its_neighbours(lab: Lab) -> None:
    lab.write("flows/tiny.yaml", FLOW)
    ran = await lab.run("text=hello")
    nodes = {node["id"]: node for _, node in ran.server.graph["nodes"]}
    [branch] = [node for node in nodes.values() if node["kind"] == "flow-run"]
    assert branch["label"] == "tiny.branch / branch"
    assert {nodes[parent["id"]]["label"].split(", ")[0] for parent in branch["parents"]} == {"look", "gather"}
    assert {nodes[child["id"]]["label"].split(", ")[0] for child in branch["children"]} == {"echo"}


async def test_edges_do_not_cross_from_one_record_to_another(lab: Lab) -> None:
    lab.write_posts([{"record_id": name, "text": name} for name in "ab"])
    lab.write("flows/tiny.yaml", FLOW.replace("records: parameters.text", "records: posts"))
    ran = await lab.run("text=unused")
    crossing = {edge for edge in ran.server.edges() if edge[0][-1] + edge[1][-1] in ("ab", "ba")}
    assert crossing == set()
    assert ("gather, a", "branch") in ran.server.edges()
    assert ("gather, b", "branch") in ran.server.edges()


async def test_an_input_that_is_named_like_its_step_is_waited_for(lab: Lab) -> None:
    lab.write(
        "flows/tiny.yaml",
        "parameters: {text: {required: true}}\n"
        "records: parameters.text\n"
        "steps:\n"
        "  given: {agent: look, inputs: {what: record.text}}\n"
        "  last: {agent: echo, inputs: {given: given.text}}\n"
        "result: last\n",
    )
    ran = await lab.run("text=hello")
    record = ran.traces[0].record_id
    assert ran.server.edges() == {(f"look, {record}", f"echo, {record}")}
    assert ran.rows("last")[0].input.inputs["given"] == "hello"
