"""Task runs: how a cell becomes one, with no more said to the Prefect server than anybody looks at.

Prefect's engine tells its server of every task run that it is pending, then running, then how it ended, and each of
these costs here and there about as much as all the rest of the task run. *Pending* lasts no time here and is left out.
*Running* is left out in runs of many records, where nobody watches a single cell: there the server hears of a cell when
it has ended, with its start, its end and all its tries.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from prefect import Task
from prefect.client.schemas.objects import State
from prefect.states import Running
from prefect.task_engine import AsyncTaskRunEngine, run_task_async

from flows.present import present_run


class _Quiet(AsyncTaskRunEngine[..., Any]):
    """The engine of one task run whose beginning nobody is told of."""

    async def begin_run(self) -> None:
        """What the engine does when a task run begins, but for the event."""
        run: Any = self.task_run
        began, present = Running(), present_run()
        began.state_details = self.state.state_details
        run.start_time = began.timestamp
        run.run_count += 1
        run.state, run.state_id, run.state_type, run.state_name = began, began.id, began.type, began.name
        if present:
            run.flow_run_run_count = present.run_count


async def run_task(
    task: Task[Any, Any], parameters: dict[str, Any], wait_for: Sequence[Any], *, quiet: bool
) -> State[Any]:
    """The state in which a task run of `task` ends; `quiet` leaves it unsaid that it began."""
    task_run = await task.create_local_run(parameters=parameters, wait_for=wait_for)
    if not quiet:
        running: Any = run_task_async(task, None, task_run, parameters, wait_for, "state")
        return await running
    engine = _Quiet(task=task, parameters=parameters, task_run=task_run, wait_for=wait_for)
    async with engine.start():
        while engine.is_running():
            await engine.wait_until_ready()
            async with engine.run_context(), engine.transaction_context() as transaction:
                await engine.call_task_fn(transaction)
    return engine.state
