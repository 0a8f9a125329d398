"""Crashed runs: gives the state Crashed to what a dead process has left in the state Running on the Prefect server.

A run that somebody was cancelling, and what is below it, gets the state Cancelled instead.

Prefect learns of a killed process only from the worker that started it, and marks then the run and not what is below.
A run that is paused or suspended shows a form to a person: it is spared, since what is filled in there counts.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import LogCreate
from prefect.client.schemas.objects import State
from prefect.states import Cancelled, Crashed

_MESSAGE = "The process of this run ended without a word, as after a kill."
_UNDER_WAY = ["RUNNING", "PENDING", "CANCELLING"]
_UNFINISHED: Mapping[str, Any] = {"state": {"type": {"any_": [*_UNDER_WAY, "SCHEDULED"]}}}
"""Also what waits to be tried again, which a dead process does not do."""
_TAKEN_UP: Mapping[str, Any] = {"state": {"type": {"any_": _UNDER_WAY}}}
"""What is scheduled of a deployment, a worker begins."""
_PAUSED: Mapping[str, Any] = {"state": {"type": {"any_": ["PAUSED"]}}}
_Path = Literal["/flow_runs/filter", "/task_runs/filter"]
_AT_ONCE = 8
_PAGE = 200


async def end_run(client: PrefectClient, flow_run_id: UUID) -> bool:
    """Ends the flow run and what is below it; itself last, so that whoever is killed meanwhile leaves it unfinished.

    Returns whether a form is left there that waits for a person.
    """
    own = await _rows(client, "/flow_runs/filter", {"flow_runs": _ids([flow_run_id])})
    # Whoever cancels a run ends its process, too; its runner may say so only after us.
    is_cancelled = bool(own) and own[0]["state_type"] == "CANCELLING"
    end = _cancelled if is_cancelled else _crashed
    await end_below(client, flow_run_id, end)
    wanted = _TAKEN_UP if own and own[0]["deployment_id"] else _UNFINISHED
    if await _end_flow_runs(client, [flow_run_id], end, wanted) and not is_cancelled:
        await _log(client, flow_run_id)
    children = await _child_runs(client, flow_run_id)
    return bool(await _rows(client, "/flow_runs/filter", {"flow_runs": {**_ids([flow_run_id, *children]), **_PAUSED}}))


def _crashed() -> State[Any]:
    return Crashed(message=_MESSAGE)


def _cancelled() -> State[Any]:
    return Cancelled(message="It was cancelled, and its process has ended.")


async def end_below(client: PrefectClient, flow_run_id: UUID, end: Callable[[], State[Any]] = _crashed) -> None:
    """Ends the unfinished task runs and child runs below a flow run."""
    children = await _child_runs(client, flow_run_id)
    task_runs = {"flow_runs": _ids([flow_run_id, *children]), "task_runs": _UNFINISHED}
    slots = asyncio.Semaphore(_AT_ONCE)

    async def end_one(task_run_id: UUID) -> None:
        async with slots:
            await client.set_task_run_state(task_run_id, end(), force=True)

    await asyncio.gather(*[end_one(UUID(row["id"])) for row in await _rows(client, "/task_runs/filter", task_runs)])
    await _end_flow_runs(client, children, end)


async def run_count(client: PrefectClient, flow_run_id: UUID) -> int | None:
    """How often the flow run has begun; None where the server does not know it."""
    rows = await _rows(client, "/flow_runs/filter", {"flow_runs": _ids([flow_run_id])})
    return int(rows[0]["run_count"]) if rows else None


async def _end_flow_runs(
    client: PrefectClient,
    flow_run_ids: Sequence[UUID],
    end: Callable[[], State[Any]],
    wanted: Mapping[str, Any] = _UNFINISHED,
) -> int:
    """Ends those in the states that are wanted; returns how many these are."""
    if not flow_run_ids:
        return 0
    rows = await _rows(client, "/flow_runs/filter", {"flow_runs": {**_ids(flow_run_ids), **wanted}})
    for row in rows:
        await client.set_flow_run_state(UUID(row["id"]), end(), force=True)
    return len(rows)


async def _log(client: PrefectClient, flow_run_id: UUID) -> None:
    """Says in the run's log, on which its page opens, what has happened; a killed process has often written nothing."""
    line = LogCreate(
        name="prefect.flow_runs.story",
        level=logging.ERROR,
        message=f"{_MESSAGE} The same run again goes on from what is kept.",
        timestamp=datetime.now(UTC),  # type: ignore[reportArgumentType]
        flow_run_id=flow_run_id,
    )
    await client.create_logs([line])


async def _child_runs(client: PrefectClient, flow_run_id: UUID) -> list[UUID]:
    """The child runs and theirs, but for those of a deployment, which have processes of their own."""
    found, level = list[UUID](), [flow_run_id]
    while level:
        parents = {"any_": [str(one) for one in level]}
        wanted = {"parent_flow_run_id": parents, "deployment_id": {"is_null_": True}}
        level = [UUID(row["id"]) for row in await _rows(client, "/flow_runs/filter", {"flow_runs": wanted})]
        found += level
    return found


def _ids(flow_run_ids: Iterable[UUID]) -> dict[str, Any]:
    return {"id": {"any_": [str(one) for one in flow_run_ids]}}


async def _rows(client: PrefectClient, path: _Path, wanted: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = list[Mapping[str, Any]]()
    while len(found) % _PAGE == 0:
        page = {**wanted, "limit": _PAGE, "offset": len(found), "sort": "ID_DESC"}
        rows: list[Mapping[str, Any]] = (await client.request("POST", path, json=page)).json()
        if not rows:
            break
        found += rows
    return found
