"""Costs: adds up what a run's calls cost for each step and model, and what a flow cost on each day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from contract.calls import ModelCall, ModelReply
from contract.messages import AgentTrace


@dataclass
class CallCosts:
    """The calls of one model in one step, and what they cost."""

    calls_sent: int = 0
    """Calls that left this process in this run, including those that failed."""
    calls_paid: int = 0
    calls_kept: int = 0
    """Kept replies that were used instead of new, paid calls."""
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: Decimal = Decimal(0)
    cost_unknown: int = 0
    """Paid calls whose price is not known; they are not in `cost_usd`."""
    records: set[str] = field(default_factory=set[str])
    """Ids of the records of which any part was sent."""

    def add_paid(self, cost: Decimal | None, input_tokens: int, output_tokens: int) -> None:
        """Counts a paid call; a `cost` of None is unknown."""
        self.calls_paid += 1
        self.input_tokens += input_tokens
        self.output_tokens += output_tokens
        self.cost_unknown += cost is None
        self.cost_usd += cost or 0

    def as_json(self) -> dict[str, Any]:
        """All of it as JSON, which `from_json` reads."""
        return {**vars(self), "cost_usd": str(self.cost_usd), "records": sorted(self.records)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> CallCosts:
        """The costs that `as_json` wrote."""
        fields: dict[str, Any] = {
            **value,
            "cost_usd": Decimal(value["cost_usd"]),
            "records": set[str](value["records"]),
        }
        return cls(**fields)


@dataclass
class Costs:
    """Adds up the calls of a run."""

    by_step_and_model: dict[tuple[str, str], CallCosts] = field(default_factory=dict[tuple[str, str], CallCosts])
    """(step, model) -> costs of its calls."""

    def add(self, trace: AgentTrace, call: ModelCall, *, sent: bool, paid: bool) -> None:
        """Counts a call of a cell: `sent` in this run, and `paid` by it; otherwise its reply was kept."""
        key = trace.step, str(trace.input.parameters.get("model", ""))
        spent = self.by_step_and_model.setdefault(key, CallCosts())
        if not sent:
            spent.calls_kept += 1
            return
        spent.calls_sent += 1
        spent.records.add(trace.record_id)
        if paid and call.reply:
            usage = call.reply.usage
            spent.add_paid(call.reply.cost_usd, usage.input_tokens, usage.output_tokens)

    def by_model(self) -> dict[str, CallCosts]:
        """Each model over all steps, by name."""
        found = dict[str, CallCosts]()
        for (_, model), spent in sorted(self.by_step_and_model.items()):
            found[model] = _added(found[model], spent) if model in found else _added(CallCosts(), spent)
        return found

    def move_to_paid(self, trace: AgentTrace, reply: ModelReply) -> None:
        """Counts a reply of a cell as paid that was counted as kept."""
        spent = self.by_step_and_model[trace.step, str(trace.input.parameters.get("model", ""))]
        spent.calls_kept -= 1
        spent.calls_sent += 1
        spent.records.add(trace.record_id)
        spent.add_paid(reply.cost_usd, reply.usage.input_tokens, reply.usage.output_tokens)

    def merge(self, others: Costs) -> None:
        """Adds the costs of another part of the run."""
        for key, spent in others.by_step_and_model.items():
            self.by_step_and_model[key] = _added(self.by_step_and_model.get(key, CallCosts()), spent)

    def as_json(self) -> list[Any]:
        """All of it as JSON, which `from_json` reads."""
        return [[step, model, spent.as_json()] for (step, model), spent in self.by_step_and_model.items()]

    @classmethod
    def from_json(cls, value: Iterable[tuple[str, str, Mapping[str, Any]]]) -> Costs:
        """The costs that `as_json` wrote."""
        return cls({(step, model): CallCosts.from_json(spent) for step, model, spent in value})

    def rows(self, run: str, day: date) -> list[dict[str, Any]]:
        """A row for each step and model."""
        return [
            {"day": day.isoformat(), "run": run, "step": step, "model": model, **_row_fields(spent)}
            for (step, model), spent in sorted(self.by_step_and_model.items())
        ]


def _added(one: CallCosts, other: CallCosts) -> CallCosts:
    return CallCosts(
        one.calls_sent + other.calls_sent,
        one.calls_paid + other.calls_paid,
        one.calls_kept + other.calls_kept,
        one.input_tokens + other.input_tokens,
        one.output_tokens + other.output_tokens,
        one.cost_usd + other.cost_usd,
        one.cost_unknown + other.cost_unknown,
        one.records | other.records,
    )


def _row_fields(spent: CallCosts) -> dict[str, Any]:
    return {
        "calls paid": spent.calls_paid,
        "calls kept": spent.calls_kept,
        "input tokens": spent.input_tokens,
        "output tokens": spent.output_tokens,
        "cost in USD": str(spent.cost_usd),
        "calls of unknown price": spent.cost_unknown,
    }


def by_day(tables: Iterable[Iterable[Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """The tables of many runs as one: a row for each day and model, the newest day first."""
    days = dict[tuple[str, str], CallCosts]()
    runs = dict[tuple[str, str], set[str]]()
    for table in tables:
        for row in table:
            key = str(row["day"]), str(row["model"])
            days[key] = _added(days.get(key, CallCosts()), _costs_of_row(row))
            runs.setdefault(key, set()).add(str(row["run"]))
    ordered = sorted(sorted(days, key=lambda key: key[1]), key=lambda key: key[0], reverse=True)
    return [{"day": key[0], "model": key[1], "runs": len(runs[key]), **_row_fields(days[key])} for key in ordered]


def _costs_of_row(row: Mapping[str, Any]) -> CallCosts:
    return CallCosts(
        calls_paid=int(row["calls paid"]),
        calls_kept=int(row["calls kept"]),
        input_tokens=int(row["input tokens"]),
        output_tokens=int(row["output tokens"]),
        cost_usd=Decimal(row["cost in USD"]),
        cost_unknown=int(row["calls of unknown price"]),
    )
