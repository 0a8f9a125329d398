"""Runs that clients have started: each a process of its own, followed until it ends.

Runs that another server of the same folder has started, an earlier one or one beside this, are followed by their
journals.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from agents.llms.budget import Budget, Reservation
from agents.tools.tool import ToolFailed
from contract.errors import OverBudget
from flows.mcp.published import TOKEN_VARIABLE
from flows.mcp.run_journal import JournalState, read_journal
from flows.mcp.run_owner import RunOwner
from flows.server.interrupt import EXIT_INTERRUPTED, EXIT_WAITING, SHUTDOWN_SECONDS

MAX_RUNNING = 4
"""Runs at the same time: each is a process with its own Prefect server."""
_KILL_AFTER_SECONDS = SHUTDOWN_SECONDS + 5
_STATES: Mapping[int, str] = {
    0: "done", 1: "incomplete", 2: "refused", EXIT_WAITING: "waiting", EXIT_INTERRUPTED: "cancelled",
    -signal.SIGTERM: "cancelled",
}  # fmt: skip
_JOURNAL_SECONDS = 0.5
_KILLED = "the run's process was killed; the same start_{flow} goes on from there, and pays for nothing twice"
_MAX_LINE = 4 * 1024 * 1024


@dataclass
class StartedRun:
    """One run, as far as it has come."""

    run_id: str
    flow: str
    started: float = field(default_factory=time.monotonic)
    state: str = "running"
    """running, done, waiting (for a person's answer), incomplete (some cells have no output), refused (mistakes in the
    study), failed or cancelled."""
    seconds: float = 0.0
    """How long it took; 0 while it runs."""
    cells: int = 0
    at_most: int | None = None
    problems: list[str] = field(default_factory=list[str])
    outcome: dict[str, Any] = field(default_factory=dict[str, Any])
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    is_measured: bool = True
    """Whether all that it pays is known when it ends."""
    process: asyncio.subprocess.Process | None = None
    """None where another server has started the run."""
    pid: int | None = None
    follower: asyncio.Task[None] | None = None
    held: Reservation | None = None
    """What the run may pay, out of the budget that the token carries."""

    @property
    def folder(self) -> Path | None:
        """The run's folder, once it has ended with one."""
        return Path(self.outcome["folder"]) if self.outcome else None

    def status(self) -> dict[str, Any]:
        """What a client reads of it."""
        return {
            "run_id": self.run_id,
            "flow": self.flow,
            "state": self.state,
            "cells": self.cells,
            "cells_at_most": self.at_most,
            "seconds": round(self.seconds or time.monotonic() - self.started, 1),
            "problems": self.problems,
            "waiting": self.outcome.get("waiting"),
        }

    async def update(self, message: Mapping[str, Any]) -> None:
        """Takes what the run's process has written, or how it ended."""
        async with self.changed:
            for name, value in message.items():
                setattr(self, name, value)
            self.changed.notify_all()


class StartedRuns:
    """Starts, finds and ends runs. `outlive_server` leaves them running when the server ends."""

    def __init__(
        self,
        config_dir: Path | None,
        owner: RunOwner | None = None,
        *,
        outlive_server: bool = False,
        shared: Budget | None = None,
    ) -> None:
        self._config_dir = config_dir
        self._owner = owner or RunOwner()
        self._outlive_server = outlive_server
        self._shared = shared
        self.runs: dict[str, StartedRun] = {}

    async def start(
        self, flow: str, arguments: Sequence[str], budget: Decimal | None, *, is_measured: bool = True
    ) -> StartedRun:
        """Starts a run; returns once any server of the folder finds it. Raises ToolFailed when too many are under way.

        `budget` is what it may pay, and is held of what the token carries; None for a run that costs nothing. All of
        it is booked where not all that the run pays is measured.
        """
        running = [run for run in self.runs.values() if run.state == "running"]
        if len(running) >= MAX_RUNNING:
            named = ", ".join(run.run_id for run in running)
            raise ToolFailed(f"{MAX_RUNNING} runs are under way: {named}; wait for one, or cancel one")
        run = StartedRun(f"{flow}-{secrets.token_hex(4)}", flow, is_measured=is_measured)
        self.runs[run.run_id] = run
        request = {
            "run_id": run.run_id,
            "flow": flow,
            "arguments": list(arguments),
            "config_dir": None if self._config_dir is None else str(self._config_dir),
            "outlives_server": self._outlive_server,
            "owner": self._owner.mark(run.run_id),
        }
        started = asyncio.Event()
        run.follower = asyncio.create_task(self._follow(run, json.dumps(request), budget, started))
        await started.wait()
        return run

    async def find(self, run_id: str) -> StartedRun | None:
        """The run of that id, also where another server of this folder has started it; or None."""
        if run_id in self.runs:
            return self.runs[run_id]
        journal = await asyncio.to_thread(read_journal, run_id)
        if journal is None:
            return None
        run = self.runs.setdefault(run_id, StartedRun(run_id, journal.flow, pid=journal.pid))
        if run.follower is None:
            await _update_from(journal, run)
            run.started = time.monotonic() - journal.seconds
            run.follower = asyncio.create_task(_follow_journal(run))
        return run

    async def cancel(self, run: StartedRun) -> None:
        """Ends the run, as Ctrl-C does; what it has paid for is kept. Returns when its process has ended.

        Raises ToolFailed for a run that another server has started and that is not this one's to end.
        """
        if run.pid is None or run.follower is None or run.follower.done():
            return
        if run.process is None and run.state == "running":
            journal = await asyncio.to_thread(read_journal, run.run_id)
            is_gone = journal is None or journal.is_server_gone
            self._owner.check_may_end(run.run_id, journal.owner if journal else None, is_server_gone=is_gone)
        # Not SIGINT: a process that is still starting would end with a traceback, and not as cancelled.
        _signal(os.kill, run.pid, signal.SIGTERM)
        done, _ = await asyncio.wait({run.follower}, timeout=_KILL_AFTER_SECONDS)
        if not done:
            # It leads a group of its own.
            _signal(os.killpg, run.pid, signal.SIGKILL)
            await asyncio.wait({run.follower})

    async def aclose(self) -> None:
        """Ends all runs of this server that shall not outlive it."""
        if not self._outlive_server:
            await asyncio.gather(*(self.cancel(run) for run in self.runs.values() if run.process))
        for run in self.runs.values():
            if run.process and run.process.stdin:
                # A run that goes on learns from it that its server has ended.
                run.process.stdin.close()
            if run.follower and not run.follower.done():
                run.follower.cancel()

    async def _follow(self, run: StartedRun, request: str, budget: Decimal | None, started: asyncio.Event) -> None:
        code, why = 3, ""
        try:
            async with AsyncExitStack() as stack:
                if self._shared and budget:
                    run.held = await stack.enter_async_context(self._shared.reserve(budget))
                process = await asyncio.create_subprocess_exec(
                    sys.executable, "-P", "-m", "flows.mcp.worker",
                    stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
                    # In a group of its own, so that Ctrl-C at the server's terminal reaches the server alone.
                    limit=_MAX_LINE, start_new_session=True,
                    env={name: value for name, value in os.environ.items() if name != TOKEN_VARIABLE},
                )  # fmt: skip
                run.process, run.pid = process, process.pid
                code = await _read(process, run, request, started)
                self._book(run)
        except OverBudget as error:
            code, why = 2, str(error)
        finally:
            started.set()
            why = why or f"the run's process ended with exit code {code}; the server's log shows why"
            seconds = time.monotonic() - run.started
            await run.update({"seconds": seconds, **_ending(code, run.problems, why)})

    def _book(self, run: StartedRun) -> None:
        """Books what the run has paid. Where that is not known, as after a kill, its whole budget stays booked."""
        cost = run.outcome.get("cost_usd") or run.outcome.get("cost_at_most_usd")
        if run.held and cost is not None and run.is_measured:
            run.held.cost = Decimal(cost)


async def _read(process: asyncio.subprocess.Process, run: StartedRun, request: str, started: asyncio.Event) -> int:
    """Gives the process its request, reads what it writes until it has ended, and returns its exit code.

    Its first line says that its journal is there, with which the run has `started`.
    """
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("the process has no pipes")
    # The pipe stays open: when it closes, the process knows that the server has ended.
    process.stdin.write(request.encode() + b"\n")
    await process.stdin.drain()
    async for line in process.stdout:
        await run.update(json.loads(line))
        started.set()
    return await process.wait()


async def _follow_journal(run: StartedRun) -> None:
    """Follows a run of another server until it has ended."""
    while run.state == "running":
        # The other process tells only its own server, so its file is looked at from time to time.
        await asyncio.sleep(_JOURNAL_SECONDS)
        journal = await asyncio.to_thread(read_journal, run.run_id)
        if journal is None:
            await run.update(_ending(None, [], "the run's journal is gone"))
        else:
            await _update_from(journal, run)


async def _update_from(journal: JournalState, run: StartedRun) -> None:
    message = dict(journal.messages)
    # Until its process has ended, what it writes into its folder may not be whole.
    if not journal.is_alive:
        ending = _ending(journal.exit_code, message.get("problems", []), _KILLED.format(flow=run.flow))
        message |= {"seconds": journal.seconds, **ending}
    await run.update(message)


def _ending(exit_code: int | None, problems: list[str], why: str) -> dict[str, Any]:
    """The state of a run that has ended, and its problems; `why` is told where it says nothing itself."""
    state = "failed" if exit_code is None else _STATES.get(exit_code, "failed")
    return {"state": state, "problems": problems or ([why] if state in ("failed", "refused") else [])}


def _signal(send: Callable[[int, int], None], pid: int, number: signal.Signals) -> None:
    try:
        send(pid, number)
    except ProcessLookupError:
        return
