"""Holes can be filled: what was found unusable is kept, and no later run is served it."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from flows.cli.plan_text import show_plan
from flows.plan.plan import plan_with_kept_cells
from flows.results.folder import ResultFolder
from flows.results.kept_file import to_kept
from flows.run_folder.verify import verify
from tests.support.fake_llm import FakeLLM, Rule
from tests.support.running import Lab, RunResult
from tests.support.served_study import FLOW, write_served_model, write_served_study

FIRST, SECOND = {"record_id": "a", "text": "one"}, {"record_id": "b", "text": "two"}
UNFIT = Rule(kind="wrong_schema", match="two")
CUT = Rule(kind="length", match="two")
REFUSED = Rule(kind="refusal", match="two")


@pytest.fixture
def fake(hosted_service: FakeLLM) -> FakeLLM:
    return hosted_service


@pytest.fixture
def study(lab: Lab, fake: FakeLLM) -> Lab:
    """Two posts, each asked about once."""
    write_served_study(lab, fake, [FIRST, SECOND])
    return lab


async def run(lab: Lab, fake: FakeLLM, *rules: Rule, settings: tuple[str, ...] = ()) -> tuple[RunResult, int]:
    """The run, and how many calls it made."""
    fake.log.reset()
    fake.script(*rules)
    ran = await lab.run(*settings)
    return ran, fake.stats()["calls"]


def statuses(ran: RunResult) -> dict[str, str]:
    """Record -> how its cell ended."""
    return {trace.record_id: trace.status for trace in ran.rows("ask")}


@pytest.mark.parametrize(
    ("rule", "status", "calls"), [(UNFIT, "failed", 4), (CUT, "truncated", 2)], ids=["unfit", "cut"]
)
async def test_the_same_command_asks_again_what_could_not_be_used(
    study: Lab, fake: FakeLLM, rule: Rule, status: str, calls: int
) -> None:
    first, made = await run(study, fake, rule)
    assert (statuses(first), made) == ({"a": "completed", "b": status}, calls)
    assert first.outcome and first.outcome.totals.calls_paid == calls
    again, made = await run(study, fake, rule)
    assert (statuses(again), made) == ({"a": "completed", "b": status}, calls - 1)
    filled, made = await run(study, fake)
    assert (set(statuses(filled).values()), made) == ({"completed"}, 1)
    assert (await run(study, fake))[1] == 0
    assert first.outcome and verify(first.outcome.folder, [study.folder], str(study.folder / "results")) == []


async def test_a_hole_that_an_earlier_version_kept_is_filled_by_the_first_run(study: Lab, fake: FakeLLM) -> None:
    ran, _ = await run(study, fake, UNFIT)
    for call in next(trace for trace in ran.rows("ask") if trace.record_id == "b").calls:
        assert call.reply
        study.write(f"results/replies/{call.key[:1]}/{call.key}", call.reply.model_dump_json())
    filled, made = await run(study, fake)
    assert (set(statuses(filled).values()), made) == ({"completed"}, 1)


async def test_a_refusal_is_kept_until_it_is_asked_again(study: Lab, fake: FakeLLM) -> None:
    assert statuses((await run(study, fake, REFUSED))[0])["b"] == "refused"
    kept, made = await run(study, fake)
    assert (statuses(kept)["b"], made) == ("refused", 0)
    [planned] = (await asyncio.to_thread(plan_with_kept_cells, study.compose("again=refused"))).forecasts
    assert (planned.kept, planned.to_run) == (1, 1)
    still, made = await run(study, fake, REFUSED, settings=("again=refused",))
    assert (statuses(still)["b"], made) == ("refused", 1)
    lifted, made = await run(study, fake, settings=("again=refused",))
    assert (statuses(lifted)["b"], made) == ("completed", 1)
    assert (await run(study, fake))[1] == 0


LIMITS: dict[str, Callable[[Lab, FakeLLM], tuple[str, ...]]] = {
    "of the model": lambda lab, fake: write_served_model(lab, fake, settings={"max_tokens": 4000}) or (),
    "of the step": lambda lab, _: (
        lab.write("flows/tiny.yaml", FLOW.replace("served}", "served, max_tokens: 4000}")) and ()
    ),
}


@pytest.mark.parametrize("raise_limit", LIMITS.values(), ids=LIMITS.keys())
async def test_a_higher_token_limit_asks_only_what_was_cut(
    study: Lab, fake: FakeLLM, raise_limit: Callable[[Lab, FakeLLM], tuple[str, ...]]
) -> None:
    await run(study, fake, CUT)
    raise_limit(study, fake)
    ran, made = await run(study, fake)
    assert (set(statuses(ran).values()), made) == ({"completed"}, 1)
    assert fake.log.requests[0]["body"]["max_tokens"] == 4000


async def test_whether_a_model_sees_does_not_matter_to_a_text(study: Lab, fake: FakeLLM) -> None:
    await run(study, fake)
    write_served_model(study, fake, sees_images=True)
    assert (await run(study, fake))[1] == 0


async def test_the_plan_counts_a_hole_as_to_run(study: Lab, fake: FakeLLM) -> None:
    await run(study, fake, CUT)
    [planned] = (await asyncio.to_thread(plan_with_kept_cells, study.compose())).forecasts
    assert (planned.kept, planned.to_run, dict(planned.why)) == (1, 1, {"truncated last time": 1})


@pytest.mark.parametrize("left", ["nothing", "half"])
async def test_the_plan_says_that_what_was_kept_is_gone_and_not_that_something_else_changed(
    study: Lab, fake: FakeLLM, left: str
) -> None:
    await run(study, fake)
    kept = [path for name in ("cells", "replies") for path in (study.folder / "results" / name).rglob("*")]
    for path in filter(Path.is_file, kept):
        path.unlink() if left == "nothing" else path.write_bytes(path.read_bytes()[:-40])
    [planned] = (await asyncio.to_thread(plan_with_kept_cells, study.compose())).forecasts
    assert dict(planned.why) == {"what was kept of it is gone or was changed": 2}


async def test_the_plan_calls_no_record_new_that_was_only_not_in_the_sample(study: Lab, fake: FakeLLM) -> None:
    await run(study, fake, settings=("sample=1",))
    [planned] = (await asyncio.to_thread(plan_with_kept_cells, study.compose())).forecasts
    assert (planned.kept, dict(planned.why)) == (1, {"not in the latest run": 1})


async def test_the_plan_says_of_another_prompt_of_an_earlier_sample_only_what_is_true(
    study: Lab, fake: FakeLLM
) -> None:
    await run(study, fake)
    await run(study, fake, settings=("sample=1",))
    study.write("flows/tiny.yaml", FLOW.replace("Is it so?", "Is it really so?"))
    [planned] = (await asyncio.to_thread(plan_with_kept_cells, study.compose())).forecasts
    assert planned.to_run == 2 and planned.why["not in the latest run"] == 1


def kept(lab: Lab, kind: str) -> list[Path]:
    """The kept files of that kind."""
    return sorted(path for path in (lab.folder / "results" / kind).rglob("*") if not path.is_dir())


def swap(paths: list[Path]) -> None:
    """Each gets the content of another."""
    contents = [path.read_bytes() for path in paths]
    for path, content in zip(paths, [contents[-1], *contents[:-1]], strict=True):
        path.write_bytes(content)


def edit(paths: list[Path]) -> None:
    """Changes a word of each reply."""
    for path in paths:
        content = path.read_bytes()
        changed = content.replace(b"completed", b"completes").replace(b"stop", b"stup")
        assert changed != content
        path.write_bytes(changed)


def tear(paths: list[Path]) -> None:
    """Leaves half of each file."""
    for path in paths:
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def pipe(paths: list[Path]) -> None:
    """Puts a pipe in the place of each file: whoever opens it to read waits for somebody who writes."""
    for path in paths:
        path.unlink()
        os.mkfifo(path)


def folder(paths: list[Path]) -> None:
    """Puts a folder with somebody's file in the place of each."""
    for path in paths:
        path.unlink()
        path.mkdir()
        (path / "notes.txt").write_text("mine", encoding="utf-8")


def file_above(paths: list[Path]) -> None:
    """Puts a file in the place of the folder of each; a folder in the place of those that share one."""
    for path in paths:
        if [*path.parent.iterdir()] != [path]:
            folder([path])
            continue
        path.unlink()
        path.parent.rmdir()
        path.parent.write_text("mine", encoding="utf-8")


def circle(paths: list[Path]) -> None:
    """Puts a link that leads to itself in the place of each."""
    for path in paths:
        path.unlink()
        path.symlink_to(path)


@pytest.mark.parametrize("change", [swap, edit, tear, pipe, folder, file_above, circle])
async def test_kept_files_that_do_not_fit_are_set_aside_told_and_asked_again(
    study: Lab, fake: FakeLLM, change: Callable[[list[Path]], None], caplog: pytest.LogCaptureFixture
) -> None:
    first, _ = await run(study, fake)
    for kind in ("cells", "replies"):
        change(kept(study, kind))
    again, made = await run(study, fake)
    assert made == 2
    told = [record.getMessage() for record in caplog.records if "is not used" in record.getMessage()]
    own = [path for path in kept(study, "set_aside") if "in-the-way" in str(path)]
    assert (len(told), len(kept(study, "set_aside")) - len(own)) == (3, 4)
    assert all(path.read_text(encoding="utf-8") == "mine" for path in own)
    assert bool(own) == (change in (folder, file_above)), "nothing of anybody's is deleted"
    assert [trace.value for trace in again.rows("ask")] == [trace.value for trace in first.rows("ask")]
    assert (await run(study, fake))[1] == 0


async def test_files_that_hold_no_digest_are_read_as_before(study: Lab, fake: FakeLLM) -> None:
    await run(study, fake)
    for path in [*kept(study, "cells"), *kept(study, "replies")]:
        _, _, content = path.read_bytes().partition(b'"kept":')
        path.write_bytes(content[:-1])
    assert (await run(study, fake))[1] == 0
    for path in kept(study, "cells"):
        path.unlink()
    assert (await run(study, fake))[1] == 0


async def test_a_note_tells_of_kept_answers_of_another_version(
    study: Lab, fake: FakeLLM, caplog: pytest.LogCaptureFixture
) -> None:
    await run(study, fake)
    replies = kept(study, "replies")
    for path in replies:
        key, content = path.name, path.read_bytes().partition(b'"kept":')[2][:-1]
        path.write_bytes(to_kept(key, content.replace(b"served-served", b"served-2025")))
    for path in kept(study, "cells"):
        path.unlink()
    study.write("posts.jsonl", [FIRST, SECOND, {"record_id": "c", "text": "three"}])
    caplog.clear()
    planned = await asyncio.to_thread(plan_with_kept_cells, study.compose())
    show_plan(Console(file=(out := StringIO()), width=200), planned)
    before = "note: the kept answers of 'served' are of version served-2025 (2); the version that answers now may be"
    assert before in out.getvalue()
    _, made = await run(study, fake)
    assert made == 1
    [told] = {record.getMessage() for record in caplog.records if "more than one version" in record.getMessage()}
    assert "(served-2025, served-served)" in told


async def test_a_note_tells_that_a_service_refused_how_it_was_asked(
    study: Lab, fake: FakeLLM, caplog: pytest.LogCaptureFixture
) -> None:
    refused = Rule(kind="status", status=400, message="response_format is unavailable", match='"json_schema"')
    ran, _ = await run(study, fake, refused, Rule(kind="wrong_schema"))
    assert ran.rows("ask")
    [told] = {record.getMessage() for record in caplog.records if "structured: json" in record.getMessage()}
    assert "refused the way" in told
    assert fake.stats()["by_status"]["400"] <= 2


USED_UP = Rule(kind="status", status=429, code="insufficient_quota", message="You exceeded your current quota.")

NO_SUCH_MODEL = Rule(kind="status", status=404, message="The model `served` does not exist")


@pytest.mark.parametrize(
    "rule",
    [USED_UP, Rule(kind="status", status=401), NO_SUCH_MODEL],
    ids=["quota used up", "wrong key", "no such model"],
)
async def test_what_no_call_can_pass_stops_the_model_for_the_run(study: Lab, fake: FakeLLM, rule: Rule) -> None:
    study.write("posts.jsonl", [{"record_id": f"p{n}", "text": f"post {n}"} for n in range(12)])
    write_served_model(study, fake, limits={"concurrency": 2})
    ran, made = await run(study, fake, rule.model_copy())
    assert set(statuses(ran).values()) == {"failed"} and made <= 2
    assert {trace.error.kind for trace in ran.rows("ask") if trace.error} == {"ModelUnusable"}
    filled, made = await run(study, fake)
    assert (set(statuses(filled).values()), made) == ({"completed"}, 12)


async def test_a_full_disk_is_told_in_plain_words_and_what_was_kept_is_not_asked_again(
    study: Lab, fake: FakeLLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    study.write("posts.jsonl", [FIRST, SECOND])
    await run(study, fake)
    study.write("posts.jsonl", [FIRST, SECOND, {"record_id": "c", "text": "three"}])
    with monkeypatch.context() as full:
        full.setattr(ResultFolder, "acreate", _on_a_full_disk)
        ran, made = await run(study, fake)
    assert statuses(ran)["c"] == "failed" and made == 0
    [error] = [trace.error for trace in ran.rows("ask") if trace.error]
    assert error.message == "the disk is full; make room on it, and the same command goes on from what is kept"
    filled, made = await run(study, fake)
    assert (set(statuses(filled).values()), made) == ({"completed"}, 1)


async def _on_a_full_disk(*_: Any) -> bool:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
