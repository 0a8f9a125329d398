"""Runs studies from the command line, and shows the plan, the progress, the answer and where the files are."""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from agents.llms.hosted.subprocess_model import CallerProcess
from contract.base import JsonValue
from contract.errors import Problem, RunError, StudyError
from contract.findings import CitedAnswer
from flows.check.deployment import deployment_problems
from flows.cli.console import show_answer, show_rejects
from flows.cli.plan_text import show_plan
from flows.cli.preload import import_clients, import_measures, start_caller
from flows.cli.progress import RunProgress, cost_line
from flows.cli.resume import resume_command, waiting_lines
from flows.cli.study_table import show_study
from flows.cli.terminal import StandardInput, TerminalAsker
from flows.compose.request import with_request_parameter
from flows.plan.plan import count_records, make_plan
from flows.server.choose_server import StartedServer, local_api
from flows.server.current_settings import read_settings_again
from flows.server.errors import server_errors
from flows.server.interrupt import EXIT_WAITING, InterruptibleRun
from flows.server.private_server import PrivateServer
from flows.server.staying_server import StayingServer
from flows.spec.study import Study
from flows.storage.factory import describe_read_cost

if TYPE_CHECKING:
    from flows.run.people import People
    from flows.run_folder.outcome import Outcome

_QUIET_SETTINGS = {
    "PREFECT_LOGGING_LEVEL": "WARNING",
    # The command prints its own error messages; Prefect's are still in the UI.
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
    "PREFECT_INTERNAL_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
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
            [Problem("command line", "no flow is named", todo="write +flows=[osb], or see: python -m flows list")]
        )
    problems = [problem for study in studies for problem in deployment_problems(study)]
    if problems:
        raise StudyError(problems)
    if not options.debug:
        quiet_prefect()
    runnable = _runnable_studies(
        studies, is_interactive=sys.stdin.isatty() and not options.json, without_settings=without_settings
    )
    session = _Session(server, options, has_several_flows=len(studies) > 1)
    code = max((session.run(study) for study in runnable), default=0)
    session.print_json_list()
    return code


def quiet_prefect() -> None:
    """Lets Prefect print nothing, where the environment does not say otherwise. To be called before its import."""
    for name, value in _QUIET_SETTINGS.items():
        os.environ.setdefault(name, value)


def _runnable_studies(studies: Sequence[Study], *, is_interactive: bool, without_settings: bool) -> Iterator[Study]:
    """The studies that can run. Where a study lacks its question, a person at a terminal is asked, again and again."""
    for study in studies:
        if not study.missing_parameters:
            yield study
        elif is_interactive:
            yield from _prompt_for_parameter(study)
        elif without_settings and (example := _with_examples(study)):
            yield example
        else:
            raise StudyError([_missing_parameter(name, study) for name in study.missing_parameters])


def _with_examples(study: Study) -> Study | None:
    """The study with its own examples for all missing parameters, noted on stderr; None when one has no example."""
    for name in study.missing_parameters:
        example = study.flow.parameters[name].example
        if not example:
            return None
        print(f'note: nothing was asked, so this is an example; write {name}="…" to ask your own', file=sys.stderr)
        study = with_request_parameter(study, name, example)
    return study


def _missing_parameter(name: str, study: Study) -> Problem:
    description = study.flow.parameters[name].description.rstrip(".")
    return Problem("command line", f"the parameter '{name}' is missing ({description})", todo=f'write {name}="…"')


def _prompt_for_parameter(study: Study) -> Iterator[Study]:
    [name, *others] = study.missing_parameters
    if others:
        raise StudyError([_missing_parameter(other, study) for other in others])
    prompt = f"\n{study.flow.parameters[name].description} (empty line to end)\n> "
    while text := _read_line(prompt):
        yield with_request_parameter(study, name, text)


def _read_line(prompt: str) -> str:
    try:
        return input(prompt).strip()
    except EOFError:
        return ""


class _Session:
    """Any number of runs with one server."""

    def __init__(self, server: StartedServer | None, options: argparse.Namespace, *, has_several_flows: bool) -> None:
        self._server = server
        self._json: bool = options.json
        self._has_several_flows = has_several_flows
        self._json_results = list[dict[str, Any]]()
        self._server_described = False
        self._planned = set[str]()
        self._out = Console(soft_wrap=False)
        self._err = Console(stderr=True)

    def run(self, study: Study) -> int:
        """Runs one study and shows it. Returns the exit code."""
        if not self._json and (read_cost := describe_read_cost(study.storage.get(study.flow.records))):
            self._err.print(read_cost, highlight=False, soft_wrap=True, markup=False)
        records = count_records(study)
        plan = make_plan(study, records)
        # In a conversation, each question has the same plan.
        if not self._json and study.flow.name not in self._planned:
            self._planned.add(study.flow.name)
            show_plan(self._err, plan)
        with RunProgress(self._err, quiet=self._json) as progress:
            progress.set_expected(sum(step.most for step in plan.steps))
            progress.set_status("starting Prefect")
            caller = self._prepare(study, in_bulk=records > study.run.batch)
            from prefect.exceptions import TerminationSignal

            interruptible = InterruptibleRun()
            try:
                return asyncio.run(self._run(study, progress, interruptible, caller))
            except (TerminationSignal, KeyboardInterrupt):
                progress.print_interrupted()
                raise KeyboardInterrupt from None
            finally:
                interruptible.cancel_timer()
                if caller:
                    caller.kill_unused()

    def print_json_list(self) -> None:
        """Prints the results of several flows as one list, with `--json`."""
        if self._json and self._has_several_flows:
            self._print(self._json_results)

    def _print(self, value: Any) -> None:
        print(json.dumps(value, indent=2, ensure_ascii=False), flush=True)

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

    async def _run(
        self, study: Study, progress: RunProgress, interruptible: InterruptibleRun, caller: CallerProcess | None
    ) -> int:
        from flows.server.drain import flush_events

        with server_errors():
            server_ended = self._server.exit_future() if self._server else None
            return await interruptible.run(self._run_flow(study, progress, caller), flush_events, server_ended)

    async def _run_flow(self, study: Study, progress: RunProgress, caller: CallerProcess | None) -> int:
        from flows.run.runner import RunListener, make_flow
        from flows.server.drain import drain, flush_events

        class SessionListener(RunListener):
            people = self._people(progress)
            outcome: Outcome | None = None
            on_indexing = progress.on_indexing  # type: ignore[reportAssignmentType]
            on_note = progress.on_note  # type: ignore[reportAssignmentType]
            on_cell = progress.on_cell  # type: ignore[reportAssignmentType]
            on_transient_error = progress.on_transient_error  # type: ignore[reportAssignmentType]

            def on_end(self, outcome: Outcome) -> None:
                self.outcome = outcome

        listener = SessionListener()
        flow: Any = make_flow(study.flow, lambda _: study, listener, caller=caller)
        state = await flow(**_without_nulls(study.request), return_state=True)
        outcome = listener.outcome
        if outcome is None:
            await flush_events()
            await state.aresult()
            raise RunError("the run ended without a result")
        self._show_outcome(outcome, progress)
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

    def _show_outcome(self, outcome: Outcome, progress: RunProgress) -> None:
        if self._json:
            self._json_results.append(_as_json(outcome))
            if not self._has_several_flows:
                self._print(self._json_results[0])
            return
        progress.__exit__(None, None, None)
        progress.print_repeated()
        for _, value in outcome.results:
            if isinstance(value, Mapping) and "claims" in value:
                show_answer(self._out, CitedAnswer.model_validate(value))
            elif value is not None and len(outcome.results) == 1:
                print(json.dumps(value, indent=2, ensure_ascii=False))
        if outcome.derived and outcome.derived.measured:
            show_study(self._err, outcome.derived)
        self._print_totals(outcome)

    def _print_totals(self, outcome: Outcome) -> None:
        totals = outcome.totals
        self._err.print(cost_line(totals), highlight=False)
        show_rejects(self._err, outcome.rejects, outcome.folder)
        if totals.cells_without_output:
            self._err.print(
                f"{totals.cells_without_output} cells have no output; see {outcome.folder}/cells.csv", style="yellow"
            )
        if outcome.waiting and outcome.waiting_file:
            command = resume_command(outcome.waiting_file)
            for line in waiting_lines(outcome.waiting, outcome.waiting_file, command):
                self._err.print(line, style="yellow", highlight=False, soft_wrap=True, markup=False)
        for saved in outcome.saved:
            style = None if saved.done else "yellow"
            self._err.print(str(saved), style=style, highlight=False, soft_wrap=True, markup=False)
        if (report := outcome.folder / "report.html").exists():
            self._err.print(f"Report: {report}", highlight=False, soft_wrap=True)
        self._err.print(f"Files: {outcome.folder} (seal {outcome.seal[:12]})", highlight=False, soft_wrap=True)
        self._err.print(
            f"Run in the Prefect UI: {_ui_url(self._server, outcome.flow_run_id)}", highlight=False, soft_wrap=True
        )
        if isinstance(self._server, StayingServer) and self._server.is_new and not self._server_described:
            self._server_described = True
            self._err.print(self._server.description, highlight=False, soft_wrap=True)


def _without_nulls(request: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    return {name: value for name, value in request.items() if value is not None}


def _as_json(outcome: Outcome) -> dict[str, Any]:
    totals = outcome.totals
    return {
        "results": [{"record_id": record.record_id, "result": value} for record, value in outcome.results],
        "cells": dict(totals.cells),
        "rejected_rows": len(outcome.rejects),
        "calls": {"paid": totals.calls_paid, "kept": totals.calls_kept},
        "cost_usd": None if totals.cost_unknown else str(totals.cost_usd),
        "cost_repeated_usd": str(totals.cost_repeated_usd),
        "cost_at_most_usd": None if (most := totals.at_most_usd) is None else str(most),
        "seal": outcome.seal,
        "waiting": _waiting_as_json(outcome),
        "saved": [asdict(one) for one in outcome.saved],
        "folder": str(Path(outcome.folder).absolute()),
        "flow_run_id": str(outcome.flow_run_id),
    }


def _waiting_as_json(outcome: Outcome) -> dict[str, Any] | None:
    if not outcome.waiting or outcome.waiting_file is None:
        return None
    names = {"gate", "record_id", "round", "question", "shown", "decide", "fields"}
    return {
        "questions": [one.model_dump(mode="json", include=names) | {"key": one.key} for one in outcome.waiting],
        "file": str(outcome.waiting_file.absolute()),
        "command": resume_command(outcome.waiting_file),
    }


def _ui_url(server: StartedServer | None, run: object) -> str:
    if isinstance(server, PrivateServer):
        return f"`uv run prefect server start`, then {local_api().removesuffix('/api')}/runs/flow-run/{run}"
    from prefect.settings import PREFECT_UI_URL

    return f"{PREFECT_UI_URL.value()}/runs/flow-run/{run}"
