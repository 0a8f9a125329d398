"""Costs as tables in Prefect: of one run by step and model, and of a flow by day.

Each run leaves a table under the key `cost-<flow>`; Prefect keeps all of them, and the days are added up from those.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast

from flows.accounting.costs import Costs, by_day

DAYS = 31
"""How far back the table of days goes."""


_MOST_RUNS = 1000


_PAGE = 200


async def show_costs(flow: str, run: str, costs: Costs) -> None:
    """Leaves the run's table in Prefect, and the flow's table of days with it counted in."""
    from prefect.artifacts import acreate_table_artifact

    if not costs.spent:
        return
    name, today = flow.replace("_", "-"), datetime.now(UTC).date()
    creating: Any = acreate_table_artifact(
        costs.table(run, today), key=f"cost-{name}", description=f"What {flow}, {run}, cost, by step and model."
    )
    await creating
    # Read after writing: of two runs that end together, the later one to read counts both.
    tables = await _earlier(f"cost-{name}", today - timedelta(days=DAYS))
    creating = acreate_table_artifact(
        by_day(tables), key=f"cost-{name}-by-day", description=f"What {flow} cost in the last {DAYS} days, by model."
    )
    await creating


async def _earlier(key: str, since: date) -> list[list[dict[str, Any]]]:
    from prefect.client.orchestration import get_client

    found = list[list[dict[str, Any]]]()
    wanted = {"artifacts": {"key": {"any_": [key]}}, "sort": "CREATED_DESC", "limit": _PAGE}
    async with get_client() as client:
        while len(found) < _MOST_RUNS:
            # Not by `read_artifacts`: Prefect 3.8's own sends nulls that its server refuses.
            response = await client.request("POST", "/artifacts/filter", json={**wanted, "offset": len(found)})
            page: list[dict[str, Any]] = response.json()
            tables = [_table(artifact["data"]) for artifact in page]
            found += tables
            if len(page) < _PAGE or any(row["day"] < since.isoformat() for table in tables for row in table):
                break
    return [[row for row in table if row["day"] >= since.isoformat()] for table in found]


def _table(data: object) -> list[dict[str, Any]]:
    rows: Any = json.loads(data) if isinstance(data, str) else data
    return cast("list[dict[str, Any]]", rows) if isinstance(rows, list) else []
