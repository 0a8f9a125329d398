"""Drain: waits until the Prefect server has recorded every task run, and counts the missing ones.

Task runs reach the server as events, through a queue in this process and a queue in the server. If the process ended
at once, the last of them would be lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any
from uuid import UUID

from prefect.client.orchestration import PrefectClient, get_client

from flows.server.prefect_internals import APILogHandler, EventsWorker

NO_PROGRESS_SECONDS = 15.0
"""How long the server may record nothing more before the missing task runs count as lost."""
_TERMINAL = ["COMPLETED", "FAILED", "CRASHED", "CANCELLED"]


async def drain(flow_runs: Collection[UUID], expected: int) -> int:
    """Waits until the server has recorded the `expected` ended task runs of those flow runs.

    Returns how many of them it still lacks; 0 when all are recorded.
    """
    await flush_events()
    if not flow_runs:
        return 0
    async with get_client() as client:
        return await _wait_until_recorded(client, [str(run) for run in flow_runs], expected)


async def flush_events() -> None:
    """Sends all events and log lines that are queued in this process."""
    draining: Any = EventsWorker.drain_all(timeout=NO_PROGRESS_SECONDS, at_exit=False)
    await draining
    flushing: Any = APILogHandler.aflush()
    await flushing


async def _wait_until_recorded(client: PrefectClient, flow_runs: list[str], expected: int) -> int:
    loop = asyncio.get_running_loop()
    recorded, last_progress, pause = -1, loop.time(), 0.05
    while True:
        recorded_now = await _count_recorded(client, flow_runs)
        if recorded_now >= expected:
            return 0
        if recorded_now > recorded:
            recorded, last_progress = recorded_now, loop.time()
        elif loop.time() - last_progress > NO_PROGRESS_SECONDS:
            return expected - recorded
        # The server sends no signal when it has recorded something, so it is polled.
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, 0.5)


async def _count_recorded(client: PrefectClient, flow_runs: list[str]) -> int:
    wanted = {
        "flow_runs": {"id": {"any_": flow_runs}},
        # Without the task runs that stand for child runs: Prefect writes them at once, and they are no cells.
        "task_runs": {"state": {"type": {"any_": _TERMINAL}}, "subflow_runs": {"exists_": False}},
    }
    response = await client.request("POST", "/task_runs/count", json=wanted)
    response.raise_for_status()
    return int(response.json())
