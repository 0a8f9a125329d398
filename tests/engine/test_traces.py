"""trace(task_run_id): each cell's account is its task run's result, whatever became of the cell."""

from __future__ import annotations

import os
from pathlib import Path
from uuid import uuid4

import pytest

from contract.errors import RunError
from contract.messages import AgentTrace
from flows import trace
from flows.results.kept_file import from_kept, to_kept
from tests.engine.test_cells import FLOW
from tests.support.running import Lab, RunResult

REPLIES = {
    "good": {"reply": {"text": "fine"}},
    "shy": {"reply": "I cannot.", "finish_reason": "refusal"},
    "long": {"reply": "It is so that", "finish_reason": "length"},
    "bad": {"error": "ModelRejected"},
    "slow": [{"error": "RateLimited", "times": 1}, {"reply": {"text": "at last"}}],
}
STATES = {"good": "Completed", "shy": "Refused", "long": "Truncated", "bad": "Failed", "slow": "Completed"}
QUESTION = FLOW % ", ".join(REPLIES)


@pytest.fixture
def study(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """One question to five models, of which each ends otherwise, and an agent without a model."""
    for name, replies in REPLIES.items():
        lab.write_model(name, *(replies if isinstance(replies, list) else [replies]))
    lab.write("flows/tiny.yaml", QUESTION)
    monkeypatch.setenv("PREFECT_API_URL", lab.api_url)
    return lab


def _by_name(ran: RunResult) -> dict[str, AgentTrace]:
    return {str(row.variant.get("model", row.agent)): row for row in ran.traces}


@pytest.mark.parametrize("batch", [250, 1], ids=["one batch", "in bulk"])
async def test_every_row_is_its_task_runs_result(study: Lab, batch: int) -> None:
    study.write_posts([{"record_id": f"p{number}", "text": f"Why {number}?"} for number in range(2)])
    study.write("flows/tiny.yaml", QUESTION.replace("parameters.question", "posts"))
    ran = await study.run("question=Why?", f"run.batch={batch}", "run.retries=1", "run.retry_delay_seconds=0")
    states = {(run.name, run.state_name) for run in ran.server.cells}
    found = [trace(run.id) for run in ran.server.cells]
    assert len(found) == len(ran.traces) == 12
    assert sorted(one.model_dump_json() for one in found) == sorted(row.model_dump_json() for row in ran.traces)
    for model, state in STATES.items():
        assert {name for _, name in states if f", {model}, " in _} == {state}, model


async def test_a_cached_read_names_the_kept_cell_also_on_another_machine(study: Lab, tmp_path: Path) -> None:
    first = await study.run("question=Why?", "run.retries=1")
    again = await study.run("question=Why?", "run.retries=1")
    cached = again.server.task("good")
    assert cached.state_name == "Cached"
    assert trace(f"{study.api_url.removesuffix('/api')}/runs/task-run/{cached.id}") == _by_name(first)["good"]
    (study.folder / "results").rename(elsewhere := tmp_path / "mounted elsewhere")
    with pytest.raises(RunError, match=r"task run 'llm, good, .*give the storage of its run's results"):
        trace(cached.id)
    assert trace(cached.id, results=str(elsewhere)) == _by_name(first)["good"]
    assert trace(again.server.task("bad").id, results=str(elsewhere)) == _by_name(again)["bad"]


async def test_reading_a_trace_writes_nothing(study: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = await study.run("question=Why?", "run.retries=1")
    cell = ran.server.task("good").id
    misspelt = tmp_path / "resluts"
    with pytest.raises(RunError, match=r"there is no folder .*/resluts; name the one, or the bucket"):
        trace(cell, results=str(misspelt))
    assert not misspelt.exists()

    # As in storage that is mounted read-only; the user root may write in every other folder.
    def no(*_: object) -> bool:
        return False

    monkeypatch.setattr(os, "access", no)
    assert trace(cell, results=str(study.folder / "results")) == _by_name(ran)["good"]


async def test_a_replaced_or_altered_result_is_not_taken_for_the_task_runs(study: Lab) -> None:
    first = await study.run("question=Why?", "run.retries=1")
    key = _by_name(first)["shy"].key
    [kept] = (study.folder / "results").glob(f"cells/?/{key}")
    kept.write_bytes(to_kept(key, from_kept(key, kept.read_bytes()).replace(b"refused", b"truncated")))
    with pytest.raises(RunError, match="was replaced since by another answer"):
        trace(first.server.task("shy").id)
    [kept] = (study.folder / "results").glob(f"cells/?/{_by_name(first)['good'].key}")
    kept.write_bytes(kept.read_bytes().replace(b"fine", b"fake"))
    with pytest.raises(RunError, match="it was changed after it was written"):
        trace(first.server.task("good").id)


def test_what_is_no_task_run_is_refused_in_words(study: Lab) -> None:
    with pytest.raises(RunError, match="'good' holds no id of a task run"):
        trace("good")
    with pytest.raises(RunError, match="has no task run"):
        trace(uuid4())
