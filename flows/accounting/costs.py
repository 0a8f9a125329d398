"""Costs: what a run's calls cost for each step and model, and a flow for each day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from contract.messages import AgentTrace


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
