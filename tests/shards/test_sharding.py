"""A deployed run with `shards` is split over child runs, and gathered as if one run had done it."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from contract.errors import StudyError
from flows.cli.run import run_studies
from flows.engine.records import records_of
from tests.shards.worker import deployed
from tests.support.running import Lab
from tests.support.small_study import judge_reply

TABLES = ("cells.csv", "verdicts.csv", "measures.csv", "results.json")
POSTS = [{"record_id": f"p{n}", "text": f"Post {n} is plain.", "label": n % 2 == 0} for n in range(12)]
FLOW = """\
description: Posts by two models.
records: posts
steps:
  judge:
    agent: judge
    variants: {criteria: [one], model: [x, y]}
result: judge
measures: {verdicts: judge, resamples: 20}
"""
GATED_FLOW = """\
description: Posts that a person lets through.
records: posts
steps:
  first: {agent: judge, parameters: {criteria: one, model: x}}
  consent:
    gate: May it go on?
    decide: [approve, reject]
    inputs: {verdict: first.verdict}
  second: {agent: judge, parameters: {criteria: one, model: z}, when: consent.approved}
result: second
"""


@pytest.fixture
def study(lab: Lab) -> Lab:
    """Twelve posts and a row without a text, judged by two models."""
    lab.write_posts([*POSTS, {"record_id": "empty", "text": ""}])
    lab.write("criteria/one.md", "---\ntitle: Criterion one\n---\nThe text.\n")
    lab.write("flows/tiny.yaml", FLOW)
    lab.write_model("x", {"reply": judge_reply("violates")})
    lab.write_model("y", {"match": "Post 3", "error": "ModelRejected"}, {"reply": judge_reply("does_not_violate")})
    lab.write_model("z", {"reply": judge_reply("unclear")})
    return lab


async def test_the_tables_of_a_run_in_shards_are_those_of_one_run(study: Lab) -> None:
    study.settings = ["run.sample=99"]
    unsharded = await study.run()
    assert unsharded.outcome
    study.settings = [f"run.results={study.folder / 'shared'}", "run.sample=99"]
    async with deployed(study) as deployment:
        ran = await deployment.run(shards=3)
    for name in TABLES:
        assert (ran.folder / name).read_bytes() == (unsharded.outcome.folder / name).read_bytes(), name
    assert (ran.state.name, ran.state.message) == (unsharded.state.name, unsharded.state.message)
    assert [reject.line for reject in ran.outcome.rejects] == [13] if ran.outcome else False
    manifest, wanted = ran.manifest, unsharded.outcome.totals
    alone = json.loads((unsharded.outcome.folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["notes"] == alone["notes"] and "sample=99" in alone["notes"][-1]
    assert manifest["calls"] == {"paid": wanted.calls_paid, "kept": wanted.calls_kept}
    assert sorted(child.name for child in ran.children) == [f"tiny, shard {n}/3" for n in (1, 2, 3)]
    assert all(child.parent_task_run_id for child in ran.children)
    assert [part["records"] for part in manifest["shards"]] == _sizes(study, 3)
    assert not [path for path in (study.folder / "shared").rglob("*") if path.parts[-3] in ("shards", "alive", "locks")]


async def test_the_gates_of_all_shards_wait_together_and_what_was_paid_is_not_paid_again(
    study: Lab, tmp_path: Path
) -> None:
    study.write("flows/tiny.yaml", GATED_FLOW)
    study.settings = [f"run.results={study.folder / 'shared'}", f"run.folder={tmp_path / 'runs'}"]
    async with deployed(study) as deployment:
        first = await deployment.run(shards=3)
        assert first.state.is_paused() and {child.state_name for child in first.children} == {"Waiting"}
        folder = next((tmp_path / "runs" / "tiny").glob("*/waiting.yaml")).parent
        waiting = yaml.safe_load((folder / "waiting.yaml").read_text(encoding="utf-8"))
        assert sorted(one["record"] for one in waiting["answers"]) == sorted(str(one["record_id"]) for one in POSTS)
        assert _calls(folder) == {"paid": 12, "kept": 0}
        for one in waiting["answers"]:
            one |= {"decision": "reject" if one["record"] == "p3" else "approve", "by": "ana"}
        mine = study.write("mine.yaml", yaml.safe_dump(waiting))
        command = [sys.executable, "-m", "flows", "answer", str(folder), "--file", str(mine)]
        answered = await asyncio.create_subprocess_exec(*command)
        assert await answered.wait() == 0
        again = await deployment.run(shards=3)
    assert again.state.is_completed(), again.state
    assert _calls(again.folder) == {"paid": 11, "kept": 12}
    ended = {row.record_id: row.status for row in again.traces if row.step == "second"}
    assert {record for record, status in ended.items() if status == "skipped"} == {"p3"}
    assert sum(status == "completed" for status in ended.values()) == 11
    assert {row.answer.by for row in again.traces if row.answer} == {"ana"}


def _calls(folder: Path) -> dict[str, int]:
    return json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["calls"]


@pytest.mark.slow
async def test_a_shard_whose_worker_is_gone_is_run_again(study: Lab) -> None:
    study.settings = ["run.lost_after_seconds=6"]

    def loses(parameters: Mapping[str, Any], before: int) -> bool:
        return parameters.get("shard") == "2/3" and not before

    async with deployed(study) as deployment:
        deployment.loses_worker = loses
        ran = await deployment.run(shards=3, budget=12)
    assert len(ran.traces) == len({trace.cell_id for trace in ran.traces}) == 2 * len(POSTS)
    assert sorted(str(child.state_name) for child in ran.children).count("Crashed") == 1
    [lost] = [part for part in ran.manifest["shards"] if part["lost"]]
    assert (lost["shard"], len(lost["lost"]), len(ran.children)) == (2, 1, 4)
    # The budget is a dollar for each record; the lost worker reported that it paid a quarter of a dollar.
    budgets = [child.parameters["budget"] for child in ran.children if child.parameters["shard"] == "2/3"]
    assert budgets == [lost["records"], lost["records"] - 0.25]


async def test_a_shard_that_is_always_lost_fails_the_run_in_plain_words(study: Lab) -> None:
    study.settings = ["run.lost_after_seconds=6"]
    async with deployed(study) as deployment:
        deployment.loses_worker = lambda parameters, _: parameters.get("shard") == "1/2"
        ran = await deployment.run(shards=2)
    assert (ran.state.type, len(ran.children)) == ("FAILED", 4)
    assert "shard 1/2 was lost 3 times" in str(ran.state.message)


def test_every_record_is_in_one_shard_and_stays_there_when_records_are_added(study: Lab) -> None:
    before = _parts(study, 4)
    assert sorted(name for part in before for name in part) == sorted(str(post["record_id"]) for post in POSTS)
    study.write("posts.jsonl", [{"record_id": "new", "text": "Put before all others."}, *POSTS])
    after = _parts(study, 4)
    assert [[name for name in part if name != "new"] for part in after] == before
    assert _parts(study, 1) == [["new", *(str(post["record_id"]) for post in POSTS)]]


def test_shards_without_a_deployment_are_a_mistake_that_names_the_command(study: Lab) -> None:
    with pytest.raises(StudyError) as caught:
        run_studies([study.compose("shards=8")], None, argparse.Namespace(json=False, debug=False))
    [problem] = caught.value.problems
    assert problem.where == "command line: shards=8"
    assert "prefect deployment run tiny/<deployment> --param shards=8" in str(problem.todo)


@pytest.mark.parametrize(
    ("typed", "what"),
    [
        ("shard=9/8", "which part of how many"),
        ("shards=0", "should be 1 or more"),
        ("run.results=s3://bucket/x", "write a folder, or gs://bucket/prefix"),
        ("run.results=gs://", "names no bucket"),
    ],
)
def test_mistakes_are_reported(study: Lab, typed: str, what: str) -> None:
    with pytest.raises(StudyError) as caught:
        study.compose(typed)
    assert what in str(caught.value)


def _parts(study: Lab, shards: int) -> list[list[str]]:
    parts = [study.compose(f"shard={number}/{shards}") for number in range(1, shards + 1)]
    return [[record.record_id for record in records_of(part, lambda _: None)] for part in parts]


def _sizes(study: Lab, shards: int) -> list[int]:
    return [len(part) for part in _parts(study, shards) if part]
