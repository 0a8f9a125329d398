"""Never pay twice: what is kept, what is run again, and why."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.running import Lab, RunResult

FLOW = """\
description: Tiny.
records: posts
steps:
  ask:
    agent: llm
    parameters: {template: PROMPT}
    variants: {model: [MODELS]}
    repeats: 2
  last: {agent: echo, inputs: {given: ask.text}}
result: last
"""
POSTS = [{"record_id": "a", "text": "one"}, {"record_id": "b", "text": "two"}]


def write_study(lab: Lab, *models: str, prompt: str = "Is it so?", posts: list[dict[str, str]] = POSTS) -> None:
    """Writes a study of two posts; each model is asked twice about each."""
    lab.write_posts(posts)
    template = json.dumps(f"user:\n{prompt} {{{{ record.text }}}}")
    lab.write("flows/tiny.yaml", FLOW.replace("PROMPT", template).replace("MODELS", ", ".join(models)))
    for model in models:
        lab.write_model(model, {"reply": {"text": f"{model} says yes"}})


def fresh(ran: RunResult) -> set[tuple[object, str]]:
    """(model, record) of the cells that ran now."""
    return {(row.variant["model"], row.record_id) for row in ran.rows("ask") if not was_cached(ran, row.key)}


def was_cached(ran: RunResult, key: str) -> bool:
    """Whether the server holds the cell's state as `Cached`."""
    [row] = [row for row in ran.rows("ask") if row.key == key]
    label = f"llm, {row.variant['model']}, {row.record_id}" + (", repeat 2" if row.repeat else "")
    return next(run for run in ran.server.cells if run.name == label).state_name == "Cached"


async def test_the_same_command_again_makes_no_call_and_gives_the_same_results(lab: Lab) -> None:
    write_study(lab, "x")
    first, again = await lab.run(), await lab.run()
    assert (first.calls, again.calls) == ((4, 0), (0, 4))
    assert first.outcome and again.outcome
    assert [value for _, value in first.outcome.results] == [value for _, value in again.outcome.results]
    assert {row.cell_id for row in first.traces} == {row.cell_id for row in again.traces}
    assert again.outcome.totals.cost_usd == 0
    assert all(row.status == "completed" for row in again.traces)


async def test_repeats_are_calls_of_their_own(lab: Lab) -> None:
    write_study(lab, "x")
    ran = await lab.run()
    assert len({call.key for row in ran.rows("ask") for call in row.calls}) == 4


async def test_one_model_more_runs_only_its_cells(lab: Lab) -> None:
    write_study(lab, "x")
    await lab.run()
    write_study(lab, "x", "y")
    ran = await lab.run()
    assert ran.calls == (4, 4)
    assert fresh(ran) == {("y", "a"), ("y", "b")}


async def test_one_changed_record_runs_only_its_cells(lab: Lab) -> None:
    write_study(lab, "x")
    await lab.run()
    write_study(lab, "x", posts=[POSTS[0], {"record_id": "b", "text": "changed"}])
    ran = await lab.run()
    assert fresh(ran) == {("x", "b")}


async def test_people_may_correct_the_ground_truth_without_paying(lab: Lab) -> None:
    write_study(lab, "x")
    await lab.run()
    write_study(lab, "x", posts=[{**POSTS[0], "ground_truth": "yes"}, POSTS[1]])
    ran = await lab.run()
    assert ran.calls == (0, 4)
    row = next(row for row in ran.rows("ask") if row.record_id == "a")
    assert row.input.record.ground_truth == {"label": "yes"}
    assert row.record_fingerprint == row.input.record.fingerprint


async def test_another_prompt_is_another_question(lab: Lab) -> None:
    write_study(lab, "x")
    await lab.run()
    write_study(lab, "x", prompt="Is it really so?")
    assert (await lab.run()).calls == (4, 0)


async def test_settings_of_the_run_are_no_part_of_the_question(lab: Lab) -> None:
    write_study(lab, "x")
    await lab.run()
    ran = await lab.run("run.concurrency=1", "run.batch=1", "run.retries=0", "run.timeout_seconds=50")
    assert ran.calls == (0, 4)


async def test_a_broken_result_file_costs_no_call(lab: Lab) -> None:
    write_study(lab, "x")
    await lab.run()
    for path in _files(lab.folder / "results" / "cells"):
        path.write_text(path.read_text()[:40])
    ran = await lab.run()
    assert (ran.calls, {row.status for row in ran.traces}) == ((0, 4), {"completed"})


async def test_a_lost_cell_is_made_from_the_kept_reply(lab: Lab) -> None:
    write_study(lab, "x")
    await lab.run()
    for path in _files(lab.folder / "results" / "cells"):
        path.unlink()
    assert (await lab.run()).calls == (0, 4)


def _files(folder: Path) -> list[Path]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    return files
