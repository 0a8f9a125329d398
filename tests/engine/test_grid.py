"""The grid: variants, repeats, groups, items and records, and what each cell is given."""

from __future__ import annotations

import csv
from collections import Counter

from tests.support.running import Lab

HEAD = "description: Tiny.\nparameters: {text: {required: true}}\nrecords: parameters.text\n"
POSTS = "posts: {type: file, path: posts.jsonl}\n"


def write_posts(lab: Lab, steps: str, number: int) -> None:
    """Writes a flow over that many records of a file."""
    lab.write("storage/posts.yaml", POSTS)
    lab.write("posts.jsonl", [{"record_id": f"r{n}", "text": f"post {n}"} for n in range(number)])
    lab.write("flows/tiny.yaml", f"description: Tiny.\nrecords: posts\nsteps:\n{steps}result: last\n")


async def test_every_variant_is_run_for_every_repeat_and_has_an_id_of_its_own(lab: Lab) -> None:
    lab.write(
        "flows/tiny.yaml",
        HEAD + "steps:\n"
        "  many: {agent: echo, variants: {tone: [a, b], say: [x, y, z]}, repeats: 2}\n"
        "  last: {agent: echo, inputs: {given: many.text}}\nresult: last\n",
    )
    first, second = await lab.run("text=hello"), await lab.run("text=hello")
    rows = first.rows("many")
    assert Counter((row.variant["tone"], row.variant["say"]) for row in rows) == Counter(
        {(tone, text): 2 for tone in "ab" for text in "xyz"}
    )
    assert len({row.cell_id for row in rows}) == 12
    assert len({row.variant_id for row in rows}) == 6
    assert {row.cell_id for row in first.traces} == {row.cell_id for row in second.traces}
    assert isinstance(first.result, dict)
    assert first.result["given"] == ["x", "x", "y", "y", "z", "z"] * 2
    assert set(first.rows("last")[0].parents) == {row.cell_id for row in rows}


async def test_each_group_gets_only_its_own_inputs_and_needs_min_inputs(lab: Lab) -> None:
    lab.write(
        "flows/tiny.yaml",
        HEAD + "steps:\n"
        "  other: {agent: echo, variants: {tone: [unread]}}\n"
        "  judge: {agent: echo, variants: {tone: [mild, harsh]}, repeats: 2}\n"
        "  odd: {agent: echo, variants: {tone: [harsh]}}\n"
        "  gather: {agent: echo, inputs: {given: [judge.text, odd.text]}, group_by: [tone], min_inputs: 3}\n"
        "  last: {agent: echo, inputs: {given: gather.items}}\nresult: last\n",
    )
    ran = await lab.run("text=.")
    rows = {row.variant["tone"]: row for row in ran.rows("gather")}
    assert {tone: row.status for tone, row in rows.items()} == {"mild": "skipped", "harsh": "completed"}
    assert rows["mild"].note == "2 inputs, and min_inputs is 3"
    assert rows["harsh"].input.inputs["given"] == ("harsh.", "harsh.", "harsh.")
    assert len(rows["harsh"].parents) == 3
    assert isinstance(ran.result, dict)
    assert ran.result["given"] == [["harsh.", "harsh.", "harsh."]]


async def test_a_step_with_nothing_to_group_is_skipped_with_a_row(lab: Lab) -> None:
    lab.write(
        "flows/tiny.yaml",
        HEAD + "steps:\n"
        "  judge: {agent: echo, variants: {tone: [mild]}, when: 'false'}\n"
        "  last: {agent: echo, inputs: {given: judge}, group_by: [tone]}\nresult: last\n",
    )
    ran = await lab.run("text=.")
    assert [row.status for row in ran.rows("judge")] == ["skipped"]
    assert [(row.status, row.note) for row in ran.rows("last")] == [("skipped", "there is nothing to group by tone")]


async def test_for_each_runs_once_for_every_item(lab: Lab) -> None:
    lab.write(
        "flows/tiny.yaml",
        HEAD + "steps:\n"
        "  many: {agent: echo, variants: {tone: [a, b, c]}}\n"
        "  single: {agent: echo, inputs: {given: many.text}, for_each: given}\n"
        "  last: {agent: echo, inputs: {given: single.given}}\nresult: last\n",
    )
    ran = await lab.run("text=.")
    assert [row.input.inputs["given"] for row in ran.rows("single")] == ["a.", "b.", "c."]
    assert len({row.cell_id for row in ran.rows("single")}) == 3


async def test_records_go_in_batches_and_rejected_rows_are_reported(lab: Lab) -> None:
    write_posts(lab, "  first: {agent: echo}\n  last: {agent: echo, inputs: {given: first.text}}\n", 5)
    with (lab.folder / "posts.jsonl").open("a") as file:
        file.write('{"record_id": "empty", "text": " "}\nnot JSON\n=cmd()\n{"record_id": "r0", "text": "again"}\n')
    ran = await lab.run("run.batch=2")
    assert ran.outcome
    assert [record.record_id for record, _ in ran.outcome.results] == ["r0", "r1", "r2", "r3", "r4"]
    assert [value and value["given"] for _, value in ran.outcome.results] == [f"post {n}" for n in range(5)]  # type: ignore[index,call-overload]
    assert sorted(run.name for run in ran.server.flow_runs) == ["records 1-2", "records 3-4", "records 5-5"]
    assert (ran.lost_task_runs, len(ran.server.cells)) == (0, 10)
    with (ran.outcome.folder / "rejects.csv").open(encoding="utf-8", newline="") as file:
        rejects = list(csv.DictReader(file))
    assert (len(ran.outcome.rejects), len(rejects)) == (4, 4)
    assert "the record is empty" in rejects[0]["reason"]
    assert (rejects[2]["line"], rejects[2]["raw"]) == ("8", "'=cmd()")
    assert "the id 'r0' was there before" in rejects[3]["reason"]


async def test_a_reference_that_cannot_be_resolved_fails_only_its_own_cell(lab: Lab) -> None:
    steps = "  first: {agent: echo}\n  last: {agent: echo, inputs: {given: 'record.metadata.year | length(@)'}}\n"
    write_posts(lab, steps, 2)
    lab.write("posts.jsonl", [{"record_id": "a", "text": "t", "year": "1999"}, {"record_id": "b", "text": "t"}])
    ran = await lab.run()
    rows = {row.record_id: row for row in ran.rows("last")}
    assert (rows["a"].status, rows["b"].status) == ("completed", "failed")
    assert rows["b"].error and "cannot be applied here" in rows["b"].error.message
    assert ran.state.name == "Incomplete"
