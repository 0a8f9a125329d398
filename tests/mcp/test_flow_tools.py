"""Flows as tools: started, watched, read and cancelled; what their arguments may reach."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from mcp.shared.exceptions import MCPError

from flows.api.study_run import StudyRun
from tests.mcp.conftest import Connect, text_of


@pytest.fixture(autouse=True)
def server(prefect_api: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests' own Prefect server, for the processes of runs."""
    monkeypatch.setenv("PREFECT_API_URL", prefect_api)


async def test_a_study_is_started_watched_and_read(connect: Connect) -> None:
    seen: list[tuple[float, float | None]] = []

    async def on_progress(progress: float, total: float | None, message: str | None) -> None:
        seen.append((progress, total))

    async with connect() as client:
        started = await client.call_tool("start_tiny", {"records": "study/posts.jsonl", "strictness": 2, "sample": 9})
        assert not started.is_error, text_of(started)
        run_id = started.structured_content["run_id"]
        early = await client.call_tool("read_run", {"run_id": run_id})
        assert early.structured_content["state"] == "running"
        while True:
            watched = await client.call_tool(
                "watch_run", {"run_id": run_id, "wait_seconds": 50}, progress_callback=on_progress
            )
            if watched.structured_content["state"] != "running":
                break
        assert watched.structured_content["state"] == "done", watched.structured_content
        assert watched.structured_content["cells"] == 4 and seen[-1] == (4, 4)
        read = (await client.call_tool("read_run", {"run_id": run_id})).structured_content
        assert {row["model"] for row in read["verdicts"]} == {"demo", "demo_average"}
        assert sum(row["records"] for row in read["verdicts"]) == 4 and read["measures"]
        assert "violates" in html_of(StudyRun(read["folder"]))
        [note] = read["notes"]
        assert note.startswith("sample=9 asks for more records") and note in html_of(StudyRun(read["folder"]))
        [report] = (await client.read_resource(read["report"])).contents
        assert report.text.startswith("#")  # type: ignore[reportAttributeAccessIssue]
        assert [one.uri for one in (await client.list_resources()).resources] == [read["report"]]
    async with connect() as client:
        later = await client.call_tool("read_run", {"run_id": read["report"].split("/")[2]})
        assert later.structured_content["verdicts"] == read["verdicts"]


async def test_a_flow_that_asks_a_person_waits_for_nobody_and_says_how_it_is_answered(
    connect: Connect, study: Path
) -> None:
    variants = "variants: {criteria: [ordinary], model: [demo, demo_average]}"
    flow = (study / "flows/tiny.yaml").read_text(encoding="utf-8")
    flow = flow.replace(variants, "parameters: {criteria: ordinary, model: demo}")
    gate = "  consent: {gate: Fit?, decide: [approve, reject], inputs: {verdict: judge.verdict}}\n"
    after = "  second: {agent: judge, parameters: {criteria: ordinary, model: demo_average}, when: consent.approved}\n"
    (study / "flows/asks.yaml").write_text(
        flow.partition("measures:")[0] + gate + after + "result: second\n", encoding="utf-8"
    )
    async with connect() as client:

        async def run() -> dict[str, Any]:
            started = await client.call_tool("start_asks", {})
            assert not started.is_error, text_of(started)
            while True:
                asked = {"run_id": started.structured_content["run_id"], "wait_seconds": 50}
                watched = (await client.call_tool("watch_run", asked)).structured_content
                if watched["state"] != "running":
                    return watched

        watched = await run()
        assert watched["state"] == "waiting", watched
        assert [one["record_id"] for one in watched["waiting"]["questions"]] == ["a", "b"]
        assert "python -m flows answer" in watched["waiting"]["how"]
        read = (await client.call_tool("read_run", {"run_id": watched["run_id"]})).structured_content
        assert read["waiting"]["open"] == 2 and read["folder"]
        rows = "gate,record,decision\nconsent,a,approve\nconsent,b,reject\n"
        await asyncio.to_thread(Path("mine.csv").write_text, rows, encoding="utf-8")
        command = [sys.executable, "-m", "flows", "answer", read["folder"], "--file", "mine.csv"]
        answered = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
        assert answered.returncode == 0, answered.stderr
        done = await run()
        assert (done["state"], done["waiting"]) == ("done", None), done
    dated = "-".join(Path(read["folder"]).parts[-2:])
    async with connect() as client:
        later = (await client.call_tool("watch_run", {"run_id": dated})).structured_content
        assert later["state"] == "waiting" and later["waiting"]["open"] == 0 and "start_asks" in later["waiting"]["how"]


async def test_runs_that_cost_nothing_hold_nothing_of_the_tokens_budget(connect: Connect) -> None:
    call = {"records": "study/posts.jsonl"}
    async with connect(budget=2) as client:
        for budget, strictness in ((5, 1), (1.5, 2)):
            started = await client.call_tool("start_tiny", {**call, "strictness": strictness, "budget": budget})
            assert started.structured_content["state"] == "running", text_of(started)
        hints = {tool.name: tool.annotations for tool in (await client.list_tools()).tools}
        found = hints["cancel_run"], hints["watch_run"]
        assert [one.read_only_hint for one in found if one] == [False, True]


async def test_a_passage_is_read_by_the_id_that_a_citation_names(connect: Connect, study: Path) -> None:
    corpus = "letters: {type: corpus, label: Letters, source: {type: file, path: posts.jsonl}}\n"
    (study / "storage/letters.yaml").write_text(corpus, encoding="utf-8")
    async with connect() as client:
        found = await client.call_tool("run_search", {"corpus": "letters", "queries": ["vermin"]})
        assert not found.is_error, text_of(found)
        [passage, *_] = found.structured_content["passages"]
        [read] = (await client.read_resource(f"corpus://letters/{quote(passage['passage_id'])}")).contents
    assert "You people are vermin" in read.text  # type: ignore[reportAttributeAccessIssue]


def html_of(shown: Any) -> str:
    """What a notebook shows."""
    return shown._repr_html_()


OUTSIDE: list[dict[str, Any]] = [
    {"records": "../outside.csv"},
    {"records": "/etc/passwd"},
    {"records": "study/link.csv"},
    {"records": "hf:owner/name"},
    {"records": "gs://bucket/posts.csv"},
    {"records": ".hidden/posts.csv"},
    {"records": "nothing.csv"},
    {"run": {"results": "/elsewhere"}},
    {"run.folder": "/elsewhere"},
    {"models.demo.base_url": "http://attacker.example"},
    {"columns": {"text=body run.results": "x"}},
    {"model": ["demo] run.results=[x"]},
    {"llms": "lite models=[x]"},
    {"sample": 0},
    {"strictness": "much"},
]


async def test_nothing_beyond_the_schema_is_reached(connect: Connect, study: Path, tmp_path: Path) -> None:
    (tmp_path / "outside.csv").write_text("text\nsecret\n", encoding="utf-8")
    (study / "link.csv").symlink_to(tmp_path / "outside.csv")
    (study.parent / ".hidden").mkdir()
    (study.parent / ".hidden/posts.csv").write_text("text\nx\n", encoding="utf-8")
    async with connect() as client:
        for arguments in OUTSIDE:
            result = await client.call_tool("start_tiny", arguments)
            assert result.is_error, arguments
            assert "nothing was run and no model was asked" in text_of(result), arguments
            assert "incident" not in text_of(result), arguments


async def test_unknown_runs_and_resources_are_named(connect: Connect) -> None:
    async with connect() as client:
        for name in ("watch_run", "read_run", "cancel_run"):
            result = await client.call_tool(name, {"run_id": "../../etc-20260101T000000"})
            assert result.is_error and "there is no such run" in text_of(result)
        long = await client.call_tool("watch_run", {"run_id": "x", "wait_seconds": 3600})
        assert long.is_error and "`wait_seconds`: it is 3600, but should be 50 or less" in text_of(long)
        for uri in (
            "run://tiny-20260101T000000/report",
            "run://../../etc/report",
            "corpus://posts",
            "file:///etc/passwd",
        ):
            with pytest.raises(MCPError, match="there is no resource"):
                await client.read_resource(uri)
        with pytest.raises(MCPError, match="posts"):
            await client.read_resource("corpus://postz/a#text:0-3")


async def test_a_run_that_is_cancelled_before_it_begins_is_cancelled_and_leaves_no_traceback(
    connect: Connect, capfd: pytest.CaptureFixture[str]
) -> None:
    async with connect() as client:
        for wait in (0.0, 0.02, 0.2):
            started = await client.call_tool("start_tiny", {})
            await asyncio.sleep(wait)
            ended = await client.call_tool("cancel_run", {"run_id": started.structured_content["run_id"]})
            assert ended.structured_content["state"] == "cancelled"
            assert ended.structured_content["problems"] == []
    assert "Traceback" not in capfd.readouterr().err
