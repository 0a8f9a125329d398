"""Flows as tools: started, watched, read and cancelled, so that no call of a client has to wait for a run."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from contract.base import JsonValue
from contract.errors import Problem, StudyError
from contract.tools import CANCEL_RUN, READ_RUN, WATCH_RUN, AgentToolDefinition
from flows.api.settings import as_arguments
from flows.compose.caller_words import in_words_of
from flows.config.diagnostics import closest_name
from flows.mcp.flow_schema import RUN_STATUS_SCHEMA
from flows.mcp.published import MAX_CALL_SECONDS, Progress, PublishedTool, object_schema
from flows.mcp.record_places import check_records
from flows.mcp.run_results import RUN_RESULT_SCHEMA, earlier_run, earlier_status, run_result
from flows.mcp.spending import Spending, models_that_cost, tools_that_spend
from flows.mcp.started_runs import StartedRun, StartedRuns
from flows.spec.study import Study

_RUN_ID = {"type": "string", "maxLength": 200, "description": "The id that start_<flow> returned."}
_WAIT = {
    "type": "number",
    "minimum": 0,
    "maximum": MAX_CALL_SECONDS,
    "default": 20,
    "description": "How many seconds to wait for the run's end; then it goes on.",
}

FoundRun: TypeAlias = StartedRun | Path
"""A run that a server has started, or the folder of one that has ended."""


class FlowTools:
    """Starts runs and answers questions about them."""

    def __init__(self, config_dir: Path | None, spending: Spending, runs: StartedRuns) -> None:
        self._config_dir = config_dir
        self._spending = spending
        self._runs = runs
        self._composing = asyncio.Lock()

    def tools(self, flows: Mapping[str, AgentToolDefinition]) -> list[PublishedTool]:
        """One tool for each flow, and those for runs."""
        started = [PublishedTool(one, partial(self._start, name, one.name)) for name, one in flows.items()]
        watch = _definition(WATCH_RUN, "Waits for a run, and tells how far it is.", RUN_STATUS_SCHEMA, wait=True)
        read = _definition(READ_RUN, "Returns a finished run's cited answer, verdicts and measures.", RUN_RESULT_SCHEMA)
        cancel = _definition(CANCEL_RUN, "Ends a run. What it has paid for is kept.", RUN_STATUS_SCHEMA)
        # A client that asks before it changes something asks before this.
        cancel = cancel.model_copy(update={"permissions": ("start_flow",)})
        return [
            *started,
            PublishedTool(watch, self._watch),
            PublishedTool(read, self._read),
            PublishedTool(cancel, self._cancel),
        ]

    async def _start(self, flow: str, tool: str, arguments: Mapping[str, Any], _: Progress) -> JsonValue:
        with in_words_of(tool):
            return await self._started(flow, tool, arguments)

    async def _started(self, flow: str, tool: str, arguments: Mapping[str, Any]) -> JsonValue:
        given = {name: value for name, value in arguments.items() if value is not None}
        if "records" in given:
            storages = await asyncio.to_thread(storage_names, self._config_dir)
            given["records"] = check_records(str(given["records"]), storages, self._config_dir)
        amount = Decimal(str(given.pop("budget"))) if "budget" in given else None
        typed = as_arguments(given)
        asked = [*typed, *([f"budget={amount}"] if amount is not None else [])]
        study = await self._compose(flow, asked)
        from flows.check.deployment import deployment_problems

        if problems := deployment_problems(study):
            raise StudyError(problems)
        budget = self._spending.of_run(study, tool, amount)
        limit = [f"budget={budget}"] if budget is not None else []
        # What costs nothing holds nothing of what the token carries, whatever it may spend.
        spends = tools_that_spend(study)
        held = budget if spends or models_that_cost(study) else None
        run = await self._runs.start(flow, [*typed, *limit], held, is_measured=not spends)
        return run.status()

    async def _compose(self, flow: str, arguments: list[str]) -> Study:
        from flows.compose.compose import compose

        async with self._composing:
            [study] = await asyncio.to_thread(compose, [flow], arguments, self._config_dir)
        return study

    async def _watch(self, arguments: Mapping[str, Any], progress: Progress) -> JsonValue:
        run = await self._find(arguments["run_id"], WATCH_RUN)
        deadline = time.monotonic() + float(arguments.get("wait_seconds", _WAIT["default"]))
        while isinstance(run, StartedRun):
            await progress(run.cells, run.at_most, f"{run.flow}: {run.state}")
            left = deadline - time.monotonic()
            if run.state != "running" or left <= 0:
                break
            async with run.changed:
                try:
                    await asyncio.wait_for(run.changed.wait(), left)
                except TimeoutError:
                    continue
        return await _status(run)

    async def _read(self, arguments: Mapping[str, Any], _: Progress) -> JsonValue:
        run = await self._find(arguments["run_id"], READ_RUN)
        status = await _status(run)
        folder = run.folder if isinstance(run, StartedRun) else run
        if folder is None:
            return status
        outcome = run.outcome if isinstance(run, StartedRun) else {}
        return {**status, **await asyncio.to_thread(run_result, folder), **_costs(outcome)}

    async def _cancel(self, arguments: Mapping[str, Any], _: Progress) -> JsonValue:
        run = await self._find(arguments["run_id"], CANCEL_RUN)
        if isinstance(run, StartedRun):
            await self._runs.cancel(run)
        return await _status(run)

    async def _find(self, run_id: str, tool: str) -> FoundRun:
        """The run that a server has started, or the folder of one that has ended. Raises StudyError."""
        run = await self._runs.find(run_id) or await asyncio.to_thread(earlier_run, run_id)
        if run is None:
            raise StudyError([self._unknown(run_id, tool)])
        return run

    def _unknown(self, run_id: str, tool: str) -> Problem:
        known = list(self._runs.runs)
        todo = f"this server has started {', '.join(known) or 'none'}"
        what = f"there is no such run, '{run_id[:200]}'"
        return Problem(f"{tool}: argument `run_id`", what, nearest=closest_name(run_id, known), todo=todo)


def storage_names(config_dir: Path | None) -> list[str]:
    """The names of the study's storages."""
    from flows.config.listing import list_all

    return [one.name for one in list_all(config_dir) if one.kind == "storage"]


async def _status(run: FoundRun) -> dict[str, Any]:
    if isinstance(run, StartedRun):
        return run.status()
    return await earlier_status(run)


def _costs(outcome: Mapping[str, Any]) -> dict[str, Any]:
    names = ("calls", "cost_usd", "cost_at_most_usd", "rejected_rows", "seal")
    return {name: outcome[name] for name in names if name in outcome}


def _definition(name: str, about: str, output: dict[str, Any], *, wait: bool = False) -> AgentToolDefinition:
    properties: dict[str, Any] = {"run_id": _RUN_ID, **({"wait_seconds": _WAIT} if wait else {})}
    schema = object_schema(properties, ["run_id"])
    return AgentToolDefinition(name=name, description=about, input_schema=schema, output_schema=output)
