"""How started runs end: cancelled, with their server or after it, killed, and on whose behalf."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.mcp.conftest import Connect, text_of
from tests.support.commands import wait_until, write_files
from tests.support.fake_llm import FakeLLM, Rule

MODEL = """\
slow:
  kind: hosted
  provider: openai-compatible
  model_id: slow
  base_url: {url}
  price: {{input_per_mtok: 1, output_per_mtok: 2}}
  limits: {{concurrency: 1}}
"""


@pytest.fixture(autouse=True)
def server(prefect_api: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests' own Prefect server, for the processes of runs."""
    monkeypatch.setenv("PREFECT_API_URL", prefect_api)


@pytest.fixture
def slow(study: Path, fake: FakeLLM) -> FakeLLM:
    """The service of the model `slow`, which the study may ask."""
    (study / "models").mkdir()
    (study / "models/slow.yaml").write_text(MODEL.format(url=fake.openai_url), encoding="utf-8")
    return fake


async def test_a_cancelled_run_keeps_what_is_paid(connect: Connect, slow: FakeLLM) -> None:
    slow.script(Rule(times=1), Rule(kind="hang"))
    async with connect() as client:
        unpaid = await client.call_tool("start_tiny", {"model": ["slow"]})
        assert unpaid.is_error and "'slow' can cost money" in text_of(unpaid)
        started = await client.call_tool("start_tiny", {"model": ["slow"], "budget": 1})
        run_id = started.structured_content["run_id"]
        await asyncio.to_thread(wait_until, lambda: slow.stats()["calls"] == 2, "the second call")
        cancelled = await client.call_tool("cancel_run", {"run_id": run_id})
        assert cancelled.structured_content["state"] == "cancelled"
        again = await client.call_tool("cancel_run", {"run_id": run_id})
        assert again.structured_content["state"] == "cancelled"
    calls = slow.stats()["calls"]
    slow.script(Rule())
    async with connect(budget=1) as client:
        started = await client.call_tool("start_tiny", {"model": ["slow"]})
        assert not started.is_error, text_of(started)
        run_id = started.structured_content["run_id"]
        watched = await client.call_tool("watch_run", {"run_id": run_id, "wait_seconds": 50})
        assert not watched.is_error, text_of(watched)
        assert watched.structured_content["state"] == "done", watched.structured_content
        read = (await client.call_tool("read_run", {"run_id": run_id})).structured_content
    assert read["calls"] == {"paid": 1, "kept": 1} and slow.stats()["calls"] == calls + 1


async def test_a_run_is_known_to_every_server_of_its_folder_as_soon_as_it_has_started(
    connect: Connect, slow: FakeLLM, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow.script(Rule(kind="hang"))
    # On a busy machine the process of a run is long in starting.
    write_files(tmp_path / "busy", {"sitecustomize.py": "import time\ntime.sleep(1)\n"})
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "busy"))
    async with connect() as other, connect() as client:
        started = await client.call_tool("start_tiny", {"model": ["slow"], "budget": 1})
        named = {"run_id": started.structured_content["run_id"], "wait_seconds": 0}
        watched = await other.call_tool("watch_run", named)
        assert not watched.is_error and watched.structured_content["state"] == "running", text_of(watched)


async def test_a_run_ends_with_the_server(connect: Connect, slow: FakeLLM) -> None:
    slow.script(Rule(kind="hang"))
    async with connect() as client:
        await client.call_tool("start_tiny", {"model": ["slow"], "budget": 1})
        await asyncio.to_thread(wait_until, lambda: slow.stats()["calls"] == 1, "the call")
        processes = _workers()
        assert processes
    assert not set(processes) & set(_workers())


async def test_a_run_that_is_kept_is_watched_and_read_at_the_next_server(connect: Connect, slow: FakeLLM) -> None:
    slow.script(Rule(latency=2))
    async with connect(keep_runs=True) as client:
        started = await client.call_tool("start_tiny", {"model": ["slow"], "budget": 1})
        run_id = started.structured_content["run_id"]
        await asyncio.to_thread(wait_until, lambda: slow.stats()["calls"] == 1, "the call")
    async with connect() as client:
        watched = await client.call_tool("watch_run", {"run_id": run_id, "wait_seconds": 0})
        assert watched.structured_content["state"] == "running", text_of(watched)
        watched = await client.call_tool("watch_run", {"run_id": run_id, "wait_seconds": 50})
        assert watched.structured_content["state"] == "done" and watched.structured_content["cells"] == 2
        read = (await client.call_tool("read_run", {"run_id": run_id})).structured_content
        assert read["calls"] == {"paid": 2, "kept": 0} and sum(row["records"] for row in read["verdicts"]) == 2
        [report] = (await client.read_resource(f"run://{run_id}/report")).contents
        assert report.text.startswith("#")  # type: ignore[reportAttributeAccessIssue]
        # The id that its folder has names the same run.
        dated = read["report"].split("/")[2]
        for tool in ("watch_run", "cancel_run"):
            status = (await client.call_tool(tool, {"run_id": dated})).structured_content
            assert (status["run_id"], status["state"], status["cells"]) == (dated, "done", 2)


@pytest.mark.slow
async def test_a_kept_run_is_cancelled_by_the_next_server_and_its_killed_process_is_reported(
    connect: Connect, slow: FakeLLM
) -> None:
    slow.script(Rule(kind="hang"))
    for end, state in (("cancel", "cancelled"), ("kill", "failed")):
        calls = slow.stats()["calls"]
        async with connect(keep_runs=True) as client:
            started = await client.call_tool("start_tiny", {"model": ["slow"], "budget": 1})
            run_id = started.structured_content["run_id"]
            await asyncio.to_thread(wait_until, lambda calls=calls: slow.stats()["calls"] > calls, "the call")
            [process] = _workers()
        async with connect() as client:
            if end == "cancel":
                ended = await client.call_tool("cancel_run", {"run_id": run_id})
            else:
                os.kill(int(process), signal.SIGKILL)
                ended = await client.call_tool("watch_run", {"run_id": run_id, "wait_seconds": 50})
            assert ended.structured_content["state"] == state, text_of(ended)
        async with connect() as client:
            read = await client.call_tool("read_run", {"run_id": run_id})
            assert read.structured_content["state"] == state, text_of(read)
            if end == "kill":
                assert "the same start_tiny goes on" in read.structured_content["problems"][0]


async def test_a_run_is_ended_only_on_behalf_of_those_who_started_it(connect: Connect, slow: FakeLLM) -> None:
    slow.script(Rule(kind="hang"))
    ours, theirs = {"token": "a-token-of-ours-here"}, {"token": "a-token-of-theirs"}

    async def start(client: Any) -> dict[str, str]:
        started = await client.call_tool("start_tiny", {"model": ["slow"], "budget": 1})
        assert not started.is_error, text_of(started)
        return {"run_id": started.structured_content["run_id"]}

    async def refused(named: dict[str, str], why: str, **settings: Any) -> None:
        async with connect(**settings) as client:
            result = await client.call_tool("cancel_run", named)
            assert result.is_error and why in text_of(result), text_of(result)
            assert (await client.call_tool("watch_run", {**named, "wait_seconds": 0})).structured_content[
                "state"
            ] == "running"

    async with connect(keep_runs=True) as client:
        local = await start(client)
        # Beside the server that started it, and while that is there.
        await refused(local, "belongs to another program, whose server still runs")
        await refused(local, "was started by a program on this machine", **ours)
    async with connect(keep_runs=True, **ours) as client:
        named = await start(client)
    await refused(named, "was started with another token", **theirs)
    await refused(named, "was started by a server over HTTP")
    async with connect(**ours) as client:
        ended = await client.call_tool("cancel_run", named)
        assert ended.structured_content["state"] == "cancelled", text_of(ended)
    async with connect() as client:
        ended = await client.call_tool("cancel_run", local)
        assert ended.structured_content["state"] == "cancelled", text_of(ended)


def _workers() -> list[str]:
    """The processes of started runs that are children of this one; other tests start theirs at the same time."""
    ours = f"PPid:\t{os.getpid()}\n".encode()
    processes = [path for path in Path("/proc").glob("[0-9]*") if ours in _read(path / "status")]
    return [path.name for path in processes if b"flows.mcp.worker" in _read(path / "cmdline")]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
