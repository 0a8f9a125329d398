"""A started run, in a process of its own: `python -m flows.mcp.worker`, which only the server starts.

It reads what to run from standard input, as one line of JSON, and writes one line for each thing that happens: its
journal is there, cells have ended, mistakes, the outcome. When its input closes, the server has ended, and so does the
run.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from threading import Lock, Thread, Timer
from typing import TYPE_CHECKING, Any

from contract.errors import ButtermilkError, StudyError
from contract.tools import START_FLOW
from flows.cli.error_text import error_lines
from flows.cli.exit import run_and_exit
from flows.compose.caller_words import in_words_of
from flows.mcp.run_journal import SERVER_GONE, RunJournal
from flows.server.interrupt import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_WAITING, SHUTDOWN_SECONDS

if TYPE_CHECKING:
    from flows.run_folder.outcome import Outcome


class _Channel:
    """The lines for the server, and for a later one. What libraries print goes to standard error instead."""

    def __init__(self) -> None:
        self._file = os.fdopen(os.dup(1), "w", encoding="utf-8")
        self._lock = Lock()
        os.dup2(2, 1)
        self.journal: RunJournal | None = None

    def send(self, **message: Any) -> None:
        """Writes one line. The server may have ended, which a run that is to outlive it survives."""
        with self._lock:
            if self.journal:
                self.journal.write(**message)
            try:
                print(json.dumps(message), file=self._file, flush=True)
            except OSError:
                return


def main() -> int:
    """Runs the study. Returns the exit code of the command line."""
    channel = _Channel()
    request = json.loads(sys.stdin.buffer.readline())
    channel.journal = RunJournal(request["run_id"], request["owner"])
    channel.send(cells=0)
    signal.signal(signal.SIGINT, _interrupt)
    signal.signal(signal.SIGTERM, _interrupt)
    Thread(target=_await_servers_end, args=(channel.journal, not request["outlives_server"]), daemon=True).start()
    code = EXIT_FAILED
    try:
        with in_words_of(START_FLOW + request["flow"].replace("-", "_")):
            code = _run(request, channel)
    except ButtermilkError as error:
        channel.send(problems=error_lines(error))
        code = 2 if isinstance(error, StudyError) else EXIT_FAILED
    except KeyboardInterrupt:
        code = EXIT_INTERRUPTED
    finally:
        channel.journal.write(exit_code=code)
    return code


def _run(request: dict[str, Any], channel: _Channel) -> int:
    from flows.api.execution import RunThread, execute
    from flows.api.server import process_server, quieten_prefect
    from flows.compose.compose import compose

    quieten_prefect()
    # First of all, because the server's start takes longest.
    with process_server.use(None):
        config_dir = None if request["config_dir"] is None else Path(request["config_dir"])
        [study] = compose([request["flow"]], request["arguments"], config_dir)
        # No call of a client can wait for a person: the run does all else, and says what waits.
        study = replace(study, run=study.run.model_copy(update={"ask": "later"}))
        run = RunThread(lambda: execute(study, lambda done, most: channel.send(cells=done, at_most=most)))
        outcome: Outcome = run.wait()
    channel.send(outcome=_outcome(outcome))
    if outcome.waiting:
        return EXIT_WAITING
    return 1 if outcome.totals.cells_without_output or outcome.unsaved else 0


def _outcome(outcome: Outcome) -> dict[str, Any]:
    totals = outcome.totals
    most = totals.at_most_usd
    return {
        "folder": str(outcome.folder.absolute()),
        "seal": outcome.seal,
        "cells": dict(totals.cells),
        "rejected_rows": len(outcome.rejects),
        "calls": {"paid": totals.calls_paid, "kept": totals.calls_kept},
        "cost_usd": None if totals.cost_unknown else str(totals.cost_usd),
        "cost_at_most_usd": None if most is None else str(most),
        "waiting": _waiting(outcome),
    }


def _waiting(outcome: Outcome) -> dict[str, Any] | None:
    """What waits for a person, and how that person answers; None where nothing does."""
    if not outcome.waiting or outcome.waiting_file is None:
        return None
    from flows.mcp.run_results import waiting_data

    return waiting_data(outcome.waiting[0].flow, outcome.folder, outcome.waiting_file, outcome.waiting)


def _await_servers_end(journal: RunJournal, ends_with_it: bool) -> None:
    """Notes that the server has ended, so that a later one may end this run; or ends it now."""
    sys.stdin.buffer.read()
    journal.write(**{SERVER_GONE: True})
    if ends_with_it:
        os.kill(os.getpid(), signal.SIGINT)


def _interrupt(_: int, __: object) -> None:
    """Stops the run, and ends the process if that takes too long; what was paid is on disk."""
    timer = Timer(SHUTDOWN_SECONDS, os._exit, [EXIT_INTERRUPTED])
    timer.daemon = True
    timer.start()
    raise KeyboardInterrupt


if __name__ == "__main__":
    run_and_exit(main)
