"""Writes costs as tables in Prefect: of one run by step and model, and of a flow by day.

Each run writes a table under the key `cost-<flow>`. Prefect keeps all of them, and the table of days is added up from
them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast

from flows.accounting.costs import Costs, by_day
from flows.accounting.journal_file import JournalFile

DAYS_SHOWN = 31
"""How far back the table of days goes."""
_MAX_RUNS = 1000
_PAGE_SIZE = 200


async def create_cost_artifacts(flow: str, run: str, costs: Costs, broken_off: Sequence[JournalFile] = ()) -> None:
    """Writes the run's table to Prefect, and the flow's table of days, which counts this run too.

    Runs that were killed or cancelled write no table: what the runs `broken_off` paid stands in this one.
    """
    from prefect.artifacts import acreate_table_artifact

    name, today = flow.replace("_", "-"), datetime.now(UTC).date()
    rows = [*costs.rows(run, today), *(row for journal in broken_off for row in _rows_of(journal))]
    if not rows:
        return
    creating: Any = acreate_table_artifact(
        rows, key=f"cost-{name}", description=f"What {flow}, {run}, cost, by step and model."
    )
    await creating
    # Read after writing: when two runs end together, the one that reads later counts both.
    tables = await _read_earlier_rows(f"cost-{name}", today - timedelta(days=DAYS_SHOWN))
    creating = acreate_table_artifact(
        by_day(tables),
        key=f"cost-{name}-by-day",
        description=f"What {flow} cost in the last {DAYS_SHOWN} days, by model.",
    )
    await creating


def _rows_of(journal: JournalFile) -> list[dict[str, Any]]:
    paid = Costs({("(broken off)", model): spent for model, spent in journal.paid.items()})
    started = datetime.fromisoformat(str(journal.header["started"]))
    return paid.rows(str(journal.header["run"]), started.date())


async def _read_earlier_rows(key: str, since: date) -> list[list[dict[str, Any]]]:
    from prefect.client.orchestration import get_client

    found = list[list[dict[str, Any]]]()
    wanted = {"artifacts": {"key": {"any_": [key]}}, "sort": "CREATED_DESC", "limit": _PAGE_SIZE}
    async with get_client() as client:
        while len(found) < _MAX_RUNS:
            # Not by `read_artifacts`: the client of Prefect 3.8 sends nulls that its server refuses.
            response = await client.request("POST", "/artifacts/filter", json={**wanted, "offset": len(found)})
            page: list[dict[str, Any]] = response.json()
            tables = [_artifact_rows(artifact["data"]) for artifact in page]
            found += tables
            if len(page) < _PAGE_SIZE or any(row["day"] < since.isoformat() for table in tables for row in table):
                break
    return [[row for row in table if row["day"] >= since.isoformat()] for table in found]


def _artifact_rows(data: object) -> list[dict[str, Any]]:
    rows: Any = json.loads(data) if isinstance(data, str) else data
    return cast("list[dict[str, Any]]", rows) if isinstance(rows, list) else []
