"""Requests and tokens per minute hold for all processes that share a folder."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from agents.llms.rate_limits import Clock
from agents.llms.shared_window import SharedWindowLimiter
from tests.support.commands import ROOT

_GREEDY = """
import asyncio, sys
from pathlib import Path
from agents.llms.rate_limits import Clock
from agents.llms.shared_window import SharedWindowLimiter

async def stop(seconds):
    raise SystemExit

async def main():
    window = SharedWindowLimiter(Path(sys.argv[1]), 500, Clock(lambda: 1000.5, stop))
    while True:
        await window.acquire(1)
        print("admitted", flush=True)

asyncio.run(main())
"""


class ManualClock:
    """A clock that moves when something sleeps."""

    def __init__(self) -> None:
        self.time = 1000.0

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += seconds


def test_processes_that_take_what_they_can_get_the_limit_together(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _GREEDY, str(tmp_path / "limits" / "requests.json")]
    running = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    admitted = [len(process.communicate(timeout=60)[0].splitlines()) for process in running]
    assert sum(admitted) == 500


async def test_two_runs_wait_for_each_other_and_true_amounts_replace_estimates(tmp_path: Path) -> None:
    clock, path = ManualClock(), tmp_path / "tokens.json"
    one, other = (SharedWindowLimiter(path, 100, Clock(clock.now, clock.sleep)) for _ in range(2))
    entry = await one.acquire(60)
    one.settle(entry, 90, 0)
    await other.acquire(10)
    assert clock.time == 1000
    await other.acquire(10)
    assert 1060 <= clock.time <= 1064, "the first minute had to pass"
    await one.acquire(500)
    assert 1120 <= clock.time <= 1128, "what is larger than the limit is admitted alone"


async def test_a_minute_begins_when_a_call_is_sent_not_when_it_is_admitted(tmp_path: Path) -> None:
    clock, path = ManualClock(), tmp_path / "requests.json"
    one, other = (SharedWindowLimiter(path, 2, Clock(clock.now, clock.sleep)) for _ in range(2))
    entries = [await one.acquire(1), await one.acquire(1)]
    # Seven seconds to import a library, then two until the reply.
    clock.time += 9
    for entry in entries:
        one.settle(entry, 1, seconds_ago=2)
    await other.acquire(1)
    assert 1067 <= clock.time <= 1070


@pytest.mark.parametrize("content", ["", "{", "[1]", '{"x": 1}', "null"])
async def test_a_torn_file_stops_nothing(tmp_path: Path, content: str) -> None:
    path = tmp_path / "requests.json"
    path.write_text(content)
    await asyncio.wait_for(SharedWindowLimiter(path, 1, Clock()).acquire(1), 5)
