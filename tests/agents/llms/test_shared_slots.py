"""A model's concurrency holds for all processes that share a folder."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import HttpUrl

from agents.llms.factory import ModelRegistry, WrapperOptions
from agents.llms.shared_slots import SharedSlots, can_share_slots
from contract.models import HostedModel, Limits
from tests.agents.llms.requests import make_request
from tests.support.commands import ROOT, wait_until
from tests.support.fake_llm import FakeLLM

pytestmark = pytest.mark.skipif(not hasattr(fcntl, "F_OFD_SETLK"), reason="this system has no locks of open files")

_BUSY = """
import asyncio, os, sys
from pathlib import Path
from agents.llms.shared_slots import SharedSlots

async def main():
    slots, log = SharedSlots(Path(sys.argv[1]), 5), os.open(sys.argv[2], os.O_WRONLY | os.O_APPEND)

    async def call():
        slot = await slots.acquire()
        os.write(log, b"+" + sys.argv[4].encode() + b"\\n")
        await asyncio.sleep(0.02)
        os.write(log, b"-" + sys.argv[4].encode() + b"\\n")
        slots.release(slot)

    await asyncio.gather(*(call() for _ in range(int(sys.argv[3]))))

print("ready", flush=True)
sys.stdin.readline()
asyncio.run(main())
"""


def _start(folder: Path, calls: int, name: str) -> subprocess.Popen[bytes]:
    (folder / "log").touch()
    command = [sys.executable, "-c", _BUSY, str(folder / "limits/slots"), str(folder / "log"), str(calls), name]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout and process.stdout.readline() == b"ready\n"
    return process


def _let_go(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin
    process.stdin.write(b"\n")
    process.stdin.flush()


def test_processes_keep_the_limit_together_and_none_waits_for_the_others_end(tmp_path: Path) -> None:
    running = [_start(tmp_path, 100, name) for name in "abc"]
    for process in running:
        _let_go(process)
    assert [process.wait(60) for process in running] == [0, 0, 0]
    lines = (tmp_path / "log").read_text(encoding="utf-8").split()
    under_way, most = 0, 0
    for line in lines:
        under_way += 1 if line[0] == "+" else -1
        most = max(most, under_way)
    assert most == 5 and len(lines) == 600
    ends = [len(lines) - 1 - lines[::-1].index(f"-{name}") for name in "abc"]
    begins = [lines.index(f"+{name}") for name in "abc"]
    assert max(begins) < min(ends), "they take turns"


async def test_a_killed_process_holds_no_slot(tmp_path: Path) -> None:
    slots = SharedSlots(tmp_path / "limits/slots", 5)
    process = _start(tmp_path, 10_000, "x")
    _let_go(process)
    wait_until(lambda: (tmp_path / "log").stat().st_size > 0, "its first call")
    process.send_signal(signal.SIGSTOP)  # With its slots.
    waiting = asyncio.create_task(slots.acquire())
    done, _ = await asyncio.wait([waiting], timeout=0.2)
    assert not done
    process.kill()
    process.wait()
    assert await asyncio.wait_for(waiting, 5) in range(5)
    slots.release(waiting.result())
    held = [await asyncio.wait_for(slots.acquire(), 5) for _ in range(5)]
    assert sorted(held) == [0, 1, 2, 3, 4]
    waiting = asyncio.create_task(slots.acquire())
    await asyncio.sleep(0)
    assert not waiting.done()
    slots.release(3)
    assert await asyncio.wait_for(waiting, 5) == 3


def test_a_file_system_without_such_locks_leaves_each_process_its_own_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert can_share_slots(tmp_path)

    def refuse(*_: object) -> int:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "fcntl", refuse)
    assert not can_share_slots(tmp_path)


async def test_a_run_leaves_the_slots_of_another_run_of_its_folder(tmp_path: Path, fake: FakeLLM) -> None:
    config = HostedModel(
        provider="openai-compatible", model_id="qwen3", base_url=HttpUrl(fake.openai_url), limits=Limits(concurrency=1)
    )
    registry = ModelRegistry({"reader": config}, WrapperOptions(limits_folder=tmp_path))
    await registry.get("reader").complete(make_request())
    [path] = await asyncio.to_thread(lambda: list(tmp_path.glob("*.concurrency")))
    other_run = SharedSlots(path, 1)
    slot = await asyncio.wait_for(other_run.acquire(), 5)
    before = fake.stats()["calls"]
    call = asyncio.create_task(registry.get("reader").complete(make_request()))
    done, _ = await asyncio.wait([call], timeout=0.3)
    assert not done and fake.stats()["calls"] == before
    other_run.release(slot)
    await asyncio.wait_for(call, 10)
    await registry.aclose()
    assert fake.stats()["calls"] == before + 1
