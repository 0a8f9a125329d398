"""The server that stays ends the runs of killed commands within seconds, so that none is shown as running meanwhile."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

from flows.server.staying_state import mark_folders

_PAUSE_SECONDS = 3.0


def end_killed_runs(api_url: str) -> None:
    """Watches the marks of runs until this process ends. Blocks; call it in a thread of the server's process."""
    known = set[Path]()
    while True:
        time.sleep(_PAUSE_SECONDS)
        if folders := mark_folders():
            asyncio.run(_end_in(folders, api_url, known))


async def _end_in(folders: list[Path], api_url: str, known: set[Path]) -> None:
    """Ends the runs of dead marks that are not `known`: one that stays is of another server, or waits for a person."""
    # Here, because it imports Prefect, which the server's process imports in its first seconds anyway.
    import httpx
    from prefect.client.orchestration import PrefectClient
    from prefect.exceptions import PrefectHTTPStatusError

    from flows.server.run_marks import dead_marks, end_killed

    for mark in (mark for folder in folders for mark in dead_marks(folder) if mark.path not in known):
        try:
            async with PrefectClient(api_url) as client:
                await end_killed(client, mark)
        except (httpx.HTTPError, PrefectHTTPStatusError) as error:
            print(f"What the run {mark.flow_run_id} has left could not be ended: {error}", file=sys.stderr)
            continue
        known.add(mark.path)
