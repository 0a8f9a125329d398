"""Drain: waits until the Prefect server holds every task run, and says how many it does not.

Task runs reach the server as events, through a queue here and a queue there; a process that ends at once leaves the
last of them behind.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any
from uuid import UUID

from prefect.client.orchestration import PrefectClient, get_client
from prefect.events.worker import EventsWorker
from prefect.logging.handlers import APILogHandler

NO_PROGRESS_SECONDS = 15.0
"""How long the server may go without recording anything more before what is missing is called lost."""
_TERMINAL = ["COMPLETED", "FAILED", "CRASHED", "CANCELLED"]


async def drain(flow_runs: Collection[UUID], expected: int) -> int:
    """How many of `expected` ended task runs of those flow runs the server still lacks; 0 when all is recorded."""
    await flush_events()
    if not flow_runs:
        return 0
    async with get_client() as client:
        return await _wait_until_recorded(client, [str(run) for run in flow_runs], expected)


async def flush_events() -> None:
    """Everything queued in this process is on its way."""
    draining: Any = EventsWorker.drain_all(timeout=NO_PROGRESS_SECONDS, at_exit=False)
    await draining
    flushing: Any = APILogHandler.aflush()
    await flushing


async def _wait_until_recorded(client: PrefectClient, flow_runs: list[str], expected: int) -> int:
    loop = asyncio.get_running_loop()
    held, last_progress, pause = -1, loop.time(), 0.05
    while True:
        now_held = await _count_recorded(client, flow_runs)
        if now_held >= expected:
            return 0
        if now_held > held:
            held, last_progress = now_held, loop.time()
        elif loop.time() - last_progress > NO_PROGRESS_SECONDS:
            return expected - held
        # The server tells nobody when it has recorded something, so it has to be asked.
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, 0.5)


async def _count_recorded(client: PrefectClient, flow_runs: list[str]) -> int:
    wanted = {
        "flow_runs": {"id": {"any_": flow_runs}},
        # Without those that stand for child runs: Prefect writes them at once, and they are no cells.
        "task_runs": {"state": {"type": {"any_": _TERMINAL}}, "subflow_runs": {"exists_": False}},
    }
    response = await client.request("POST", "/task_runs/count", json=wanted)
    response.raise_for_status()
    return int(response.json())
