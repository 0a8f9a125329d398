"""Costs: what a run's calls came to for each step and model, and for a flow for each day, as tables in Prefect.

Each run leaves a table under the key `cost-<flow>`; Prefect keeps all of them, and the days are added up from those.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, cast

from contract.messages import AgentTrace

DAYS = 31
"""How far back the table of days goes."""
_MOST_RUNS = 1000
_PAGE = 200


@dataclass
class Spent:
    """What one model was asked in one step."""

    sent: int = 0
    """Calls that left this process in this run, also those that failed."""
    paid: int = 0
    kept: int = 0
    """Replies read again instead of paid for."""
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: Decimal = Decimal(0)
    unknown: int = 0
    """Paid calls whose price is not known; they are not in `cost_usd`."""
    records: set[str] = field(default_factory=set[str])
    """Ids of the records of which something was sent."""


@dataclass
class Costs:
    """Adds up the calls of a run."""

    spent: dict[tuple[str, str], Spent] = field(default_factory=dict[tuple[str, str], Spent])
    """Step and model -> what it was asked."""

    def add(self, trace: AgentTrace, *, fresh: bool) -> None:
        """Counts the calls of one cell; `fresh` says that it ran now."""
        if not trace.calls:
            return
        key = trace.step, str(trace.input.parameters.get("model", ""))
        spent = self.spent.setdefault(key, Spent())
        for call in trace.calls:
            if not fresh or call.from_cache:
                spent.kept += 1
                continue
            spent.sent += 1
            spent.records.add(trace.record_id)
            if reply := call.reply:
                spent.paid += 1
                spent.input_tokens += reply.usage.input_tokens
                spent.output_tokens += reply.usage.output_tokens
                spent.unknown += reply.cost_usd is None
                spent.cost_usd += reply.cost_usd or 0

    def by_model(self) -> dict[str, Spent]:
        """Each model over all steps, by name."""
        found = dict[str, Spent]()
        for (_, model), spent in sorted(self.spent.items()):
            found[model] = _sum(found[model], spent) if model in found else _sum(Spent(), spent)
        return found

    def table(self, run: str, day: date) -> list[dict[str, Any]]:
        """A row for each step and model."""
        return [
            {"day": day.isoformat(), "run": run, "step": step, "model": model, **_row(spent)}
            for (step, model), spent in sorted(self.spent.items())
        ]


def _sum(one: Spent, other: Spent) -> Spent:
    return Spent(
        one.sent + other.sent,
        one.paid + other.paid,
        one.kept + other.kept,
        one.input_tokens + other.input_tokens,
        one.output_tokens + other.output_tokens,
        one.cost_usd + other.cost_usd,
        one.unknown + other.unknown,
        one.records | other.records,
    )


def _row(spent: Spent) -> dict[str, Any]:
    return {
        "calls paid": spent.paid,
        "calls kept": spent.kept,
        "input tokens": spent.input_tokens,
        "output tokens": spent.output_tokens,
        "cost in USD": str(spent.cost_usd),
        "calls of unknown price": spent.unknown,
    }


def by_day(tables: Iterable[Iterable[Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """The tables of many runs as one: a row for each day and model, the newest day first."""
    days = dict[tuple[str, str], Spent]()
    runs = dict[tuple[str, str], set[str]]()
    for table in tables:
        for row in table:
            key = str(row["day"]), str(row["model"])
            days[key] = _sum(days.get(key, Spent()), _read(row))
            runs.setdefault(key, set()).add(str(row["run"]))
    ordered = sorted(sorted(days, key=lambda key: key[1]), key=lambda key: key[0], reverse=True)
    return [{"day": key[0], "model": key[1], "runs": len(runs[key]), **_row(days[key])} for key in ordered]


def _read(row: Mapping[str, Any]) -> Spent:
    return Spent(
        paid=int(row["calls paid"]),
        kept=int(row["calls kept"]),
        input_tokens=int(row["input tokens"]),
        output_tokens=int(row["output tokens"]),
        cost_usd=Decimal(row["cost in USD"]),
        unknown=int(row["calls of unknown price"]),
    )


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
