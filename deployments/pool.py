"""Creates the work pool of prefect.yaml when there is none; holds the flow that checks whether its workers are ready.

`prefect deploy` creates no pool, and looks for it before any build step. But it loads a deployment's flow even earlier,
so the first deployment names this file.
"""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound, PrefectHTTPStatusError
from prefect.workers.process import ProcessWorker

from flows.deploy.ready import ready

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient

__all__ = ["ready"]
POOL = "buttermilk"
SERVER_WAIT_SECONDS = 60.0
"""How long a server that is being started at the same time may take to answer."""


def ensure_pool(name: str = POOL) -> None:
    """Creates a work pool of processes with that name, if there is none. Waits for a server that is just starting."""
    with get_client(sync_client=True) as client:
        _wait_for_server(client)
        try:
            client.read_work_pool(name)
        except ObjectNotFound:
            _create_pool(client, name)
        except PrefectHTTPStatusError as error:
            # Prefect's command would show an exception from here without its cause, so a sentence is printed.
            problem = f"The Prefect server at {client.api_url} answers {error.response.status_code}"
            sys.exit(
                f"{problem}; if it has a password, set PREFECT_API_AUTH_STRING, or PREFECT_API_KEY for Prefect Cloud."
            )


def _wait_for_server(client: SyncPrefectClient) -> None:
    deadline = time.monotonic() + SERVER_WAIT_SECONDS
    while client.api_healthcheck() is not None:
        if time.monotonic() > deadline:
            sys.exit(f"No Prefect server answers at {client.api_url}; start one with `uv run prefect server start`.")
        # The server sends no signal when it begins to listen, so it is polled.
        time.sleep(0.2)


def _create_pool(client: SyncPrefectClient, name: str) -> None:
    template = ProcessWorker.get_default_base_job_template()
    try:
        client.create_work_pool(WorkPoolCreate(name=name, type=ProcessWorker.type, base_job_template=template))
    except ObjectAlreadyExists:
        return
    print(f"Made the work pool '{name}', whose workers run flows as processes.")


# In a flow run the pool exists already: its worker has taken up the run.
if "PREFECT__FLOW_RUN_ID" not in os.environ:
    ensure_pool()
