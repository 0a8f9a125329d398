"""trace(task_run_id): what an agent was given and what it answered, from Prefect's record of its task run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from uuid import UUID

from contract.errors import RunError
from flows.api.prefect_task import api_of_flow_run
from flows.api.server import process_server, quieten_prefect

if TYPE_CHECKING:
    from prefect.client.schemas.objects import TaskRun

    from contract.messages import AgentTrace

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def trace(task_run_id: str | UUID, *, results: str | None = None) -> AgentTrace:
    """The account of one cell: input, messages, replies, output, errors; the result of its Prefect task run.

    `task_run_id` is the id that Prefect shows, or the address of the task run's page. `results` is where the run kept
    its results (`run.results`), if this machine has them under another path than the machine that ran it.

    A cell that was read from an earlier run (state Cached) has the names that it had there: its flow, step and record.
    Raises RunError where there is no such task run, or no trace of it.
    """
    found = _UUID.findall(str(task_run_id))
    if not found:
        raise RunError(f"'{task_run_id}' holds no id of a task run; copy it, or the address, from the task run's page")
    quieten_prefect()
    run = _task_run(UUID(found[-1]))
    if run.state is None or not run.state.is_final():
        state = run.state_name or "without a state"
        raise RunError(f"the task run '{run.name}' is {state}: it has a trace when it has ended")
    metadata: Any = run.state.data
    key = metadata.get("storage_key") if isinstance(metadata, dict) else getattr(metadata, "storage_key", None)  # type: ignore[reportUnknownMemberType]
    if key is None:
        raise RunError(f"the task run '{run.name}' ended in the state {run.state_name} without a result")
    from flows.results.task_results import find_trace

    try:
        return find_trace(key, run.state_name or "", results)
    except RunError as error:
        raise RunError(f"the task run '{run.name}': {error}") from error


def _task_run(run_id: UUID) -> TaskRun:
    if api_url := api_of_flow_run():
        return _read_task_run(run_id, api_url)
    with process_server.use(None) as api_url:
        process_server.wait_until_ready()
        return _read_task_run(run_id, api_url)


def _read_task_run(run_id: UUID, api_url: str) -> TaskRun:
    from prefect.client.orchestration import get_client
    from prefect.exceptions import ObjectNotFound
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with temporary_settings(updates={PREFECT_API_URL: api_url}), get_client(sync_client=True) as client:
        try:
            return client.read_task_run(run_id)
        except ObjectNotFound:
            raise RunError(f"the Prefect server at {api_url} has no task run {run_id}") from None
