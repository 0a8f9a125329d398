"""Runs studies from the command line, and shows the plan, the progress, the answer and where the files are."""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from rich.console import Console

from agents.llms.hosted.subprocess_model import CallerProcess
from contract.base import JsonValue
from contract.errors import Problem, RunError, StudyError
from flows.check.deployment import deployment_problems
from flows.cli.missing_parameters import runnable_studies
from flows.cli.outcome import OutcomeDisplay, cited_answers
from flows.cli.plan_text import show_plan
from flows.cli.preload import import_clients, import_measures, start_caller
from flows.cli.progress import RunProgress
from flows.cli.resume import resume_command
from flows.cli.terminal import StandardInput, TerminalAsker
from flows.plan.plan import count_records, make_plan, with_counted_cost
from flows.server.choose_server import StartedServer
from flows.server.command_name import command_text
from flows.server.current_settings import read_settings_again
from flows.server.errors import server_errors
from flows.server.interrupt import EXIT_WAITING, InterruptibleRun
from flows.server.private_server import PrivateServer
from flows.spec.study import Study
from flows.storage.factory import describe_read_cost

if TYPE_CHECKING:
    from flows.cli.conversation import Conversation
    from flows.run.people import People
    from flows.run_folder.outcome import Outcome

_QUIET_SETTINGS = {
    "PREFECT_LOGGING_LEVEL": "WARNING",
    # The command prints its own error messages; Prefect's are still in the UI.
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
    "PREFECT_INTERNAL_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    # Prefect's client counts its users, too, and tells them so amid the first answer at a terminal.
    "DO_NOT_TRACK": "1",
    "PREFECT_CLI_COLORS": "false",
}


def run_studies(
    studies: Sequence[Study],
    server: StartedServer | None,
    options: argparse.Namespace,
    *,
    without_settings: bool = False,
) -> int:
    """Runs each study; asks for what is missing when there is a terminal. Returns the exit code.

    `without_settings` means that the command names no setting: without a terminal, a flow's own example is run then.
    """
    if not studies:
        raise StudyError(
            [Problem("command line", "no flow is named", todo=f"write +flows=osb, or see: {command_text('list')}")]
        )
    problems = [problem for study in studies for problem in deployment_problems(study)]
    if problems:
        raise StudyError(problems)
    if not options.debug:
        quiet_prefect()
    is_interactive = sys.stdin.isatty() and not options.json
    session = _Session(server, options, has_several_flows=len(studies) > 1)
    runnable = runnable_studies(studies, is_interactive=is_interactive, without_settings=without_settings)
    code = max((session.run(study, conversation) for study, conversation in runnable), default=0)
    session.display.print_json_list()
    return code


def quiet_prefect() -> None:
    """Lets Prefect print nothing, where the environment does not say otherwise. To be called before its import."""
    for name, value in _QUIET_SETTINGS.items():
        os.environ.setdefault(name, value)


@dataclass(frozen=True)
class _Turn:
    """One run of a session."""

    study: Study
    progress: RunProgress
    caller: CallerProcess | None
    conversation: Conversation | None


class _Session:
    """Any number of runs with one server."""

    def __init__(self, server: StartedServer | None, options: argparse.Namespace, *, has_several_flows: bool) -> None:
        self._server = server
        self._json: bool = options.json
        self._planned = set[str]()
        self._has_shown = False
        self._err = Console(stderr=True)
        self.display = OutcomeDisplay(server, self._err, as_json=self._json, has_several_flows=has_several_flows)

    def run(self, study: Study, conversation: Conversation | None) -> int:
        """Runs one study, or one question of a conversation, and shows it. Returns the exit code."""
        if not self._json and (read_cost := describe_read_cost(study.storage.get(study.flow.records))):
            self._err.print(read_cost, highlight=False, soft_wrap=True, markup=False)
        records = count_records(study)
        plan = make_plan(study, records)
        # In a conversation, each question has the same plan.
        if not self._json and study.flow.name not in self._planned:
            self._planned.add(study.flow.name)
            show_plan(self._err, with_counted_cost(study, plan))
        with RunProgress(self._err, quiet=self._json) as progress:
            progress.set_expected(sum(step.most for step in plan.steps))
            progress.set_status("starting Prefect")
            caller = self._prepare(study, in_bulk=records > study.run.batch)
            from prefect.exceptions import TerminationSignal

            interruptible = InterruptibleRun()
            try:
                turn = _Turn(study, progress, caller, conversation)
                return asyncio.run(self._run(turn, interruptible))
            except (TerminationSignal, KeyboardInterrupt):
                progress.print_interrupted()
                raise KeyboardInterrupt from None
            finally:
                interruptible.cancel_timer()
                if caller:
                    caller.kill_unused()

    def _prepare(self, study: Study, *, in_bulk: bool) -> CallerProcess | None:
        caller = start_caller(study) if in_bulk else None
        # Imported while the server starts, which takes about as long.
        import_module("flows.run.runner")
        read_settings_again()
        if isinstance(self._server, PrivateServer):
            (import_measures if in_bulk else import_clients)(study)
        gc.freeze()
        gc.enable()
        if self._server is not None:
            self._server.wait_until_ready()
        return caller

    async def _run(self, turn: _Turn, interruptible: InterruptibleRun) -> int:
        from flows.server.drain import flush_events

        with server_errors():
            server_ended = self._server.exit_future() if self._server else None
            return await interruptible.run(self._run_flow(turn), flush_events, server_ended)

    async def _run_flow(self, turn: _Turn) -> int:
        from prefect import tags

        from flows.run.listener import RunListener
        from flows.run.runner import make_flow
        from flows.server.drain import drain, flush_events

        progress = turn.progress

        class SessionListener(RunListener):
            people = self._people(progress)
            outcome: Outcome | None = None
            on_indexing = progress.on_indexing  # type: ignore[reportAssignmentType]
            on_note = progress.on_note  # type: ignore[reportAssignmentType]
            on_cell = progress.on_cell  # type: ignore[reportAssignmentType]
            on_transient_error = progress.on_transient_error  # type: ignore[reportAssignmentType]
            on_stop = progress.on_stop  # type: ignore[reportAssignmentType]

            def on_end(self, outcome: Outcome) -> None:
                self.outcome = outcome

        listener = SessionListener()
        study, conversation = turn.study, turn.conversation
        flow: Any = make_flow(study.flow, lambda _: study, listener, caller=turn.caller)
        with tags(*(conversation.tags if conversation else ())):
            state = await flow(**_without_nulls(study.request), return_state=True)
        outcome = listener.outcome
        if outcome is None:
            await flush_events()
            await state.aresult()
            raise RunError("the run ended without a result")
        self.display.show(outcome, progress, is_later_turn=conversation is not None and self._has_shown)
        self._has_shown = True
        if conversation:
            for answer in cited_answers(outcome):
                conversation.add(answer, outcome.folder, outcome.flow_run_id)
        progress.set_status("recording the run in Prefect")
        lost = await drain(outcome.flow_runs, outcome.totals.task_runs)
        if lost:
            self._err.print(f"{lost} task runs did not reach the Prefect server; the run folder is complete.")
        if outcome.waiting:
            return EXIT_WAITING
        return 1 if outcome.totals.cells_without_output or outcome.unsaved else 0

    def _people(self, progress: RunProgress) -> People:
        from flows.run.people import People

        is_interactive = sys.stdin.isatty() and not self._json
        asker = TerminalAsker(self._err, progress, StandardInput()) if is_interactive else None
        # A server of this run alone has no page.
        return People(asker, not isinstance(self._server, PrivateServer), resume_command)


def _without_nulls(request: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    return {name: value for name, value in request.items() if value is not None}
