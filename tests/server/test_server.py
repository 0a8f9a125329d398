"""Behaviour of a Prefect server that deployments need and that some versions of its libraries break."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.deployments.runner import RunnerDeployment
from prefect.settings import PREFECT_API_URL, temporary_settings


def test_the_server_turns_a_schedule_into_runs(prefect_api: str) -> None:
    """With SQLAlchemy 2.1 it fails, and reports that only in its log."""
    with temporary_settings({PREFECT_API_URL: prefect_api}):
        deployment: Any = RunnerDeployment.from_entrypoint(
            "flows.declared.osb", name="hourly", interval=timedelta(hours=1), parameters={"query": "Why?"}
        ).apply()
    httpx.post(f"{prefect_api}/deployments/{deployment}/schedule", json={}, timeout=30).raise_for_status()
    wanted = {"deployments": {"id": {"any_": [str(deployment)]}}}
    runs = httpx.post(f"{prefect_api}/flow_runs/filter", json=wanted).json()
    assert runs and {(run["state_name"], run["parameters"]["query"]) for run in runs} == {("Scheduled", "Why?")}


async def test_the_server_accepts_nulls_for_defaults(prefect_api: str) -> None:
    """`prefect deploy` sends them; FastAPI 0.151 refuses them."""
    with temporary_settings({PREFECT_API_URL: prefect_api}):
        async with get_client() as client:
            await client.create_work_pool(WorkPoolCreate(name="nulls", type="process"), overwrite=True)
            assert await client.read_workers_for_work_pool("nulls") == []
