"""ready: is this worker ready for the flows? A deployment that says what is missing: keys, files, models.

It comes first in prefect.yaml, and so sees to it that there is a work pool for all of them: `prefect deploy` loads a
flow before it looks for its pool, and makes none itself.
"""

from __future__ import annotations

import os
import time
from typing import Any

import httpx
from prefect import flow
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import State
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
from prefect.states import Completed, Failed

from contract.errors import StudyError
from flows.compose import compose
from flows.folders import choices, search_folders

POOL = "buttermilk"
PATIENCE_SECONDS = 60.0
"""How long a server may take that is being started beside us."""


@flow(description="Compose every flow where the worker runs, and tell what is missing there: keys, files, models.")
def ready(llms: str | None = None) -> State[Any]:
    """Completed when every flow could start.

    Args:
        llms: Which models play which role; their keys are looked for as well. Empty: as configured.
    """
    names = choices(search_folders(None), "flows")
    try:
        compose(names, [f"llms={llms}"] if llms else [], require_request=False)
    except StudyError as error:
        return Failed(message="\n".join(str(problem) for problem in error.problems))
    return Completed(message=f"ready for {', '.join(names)}")


def see_to_pool(name: str = POOL) -> None:
    """Makes a work pool of processes of that name, if there is none. Waits for a server that is just starting."""
    with get_client(sync_client=True) as client:
        _wait(client)
        try:
            client.read_work_pool(name)
        except ObjectNotFound:
            _make(client, name)


def _make(client: SyncPrefectClient, name: str) -> None:
    from prefect.workers.process import ProcessWorker

    template = ProcessWorker.get_default_base_job_template()
    try:
        client.create_work_pool(WorkPoolCreate(name=name, type="process", base_job_template=template))
    except ObjectAlreadyExists:
        return
    print(f"Made the work pool '{name}', whose workers run flows as processes.")


def _wait(client: SyncPrefectClient) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while isinstance(client.api_healthcheck(), httpx.TransportError) and time.monotonic() < deadline:
        # The server tells nobody when it begins to listen, so it has to be asked.
        time.sleep(0.2)


# A worker that runs the flow has its pool.
if "PREFECT__FLOW_RUN_ID" not in os.environ:
    see_to_pool()
