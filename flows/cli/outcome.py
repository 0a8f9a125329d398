"""What a command shows of a run that has ended: the answer, the measures, the cost, and where the files are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from contract.findings import CitedAnswer
from flows.cli.console import show_answer, show_rejects
from flows.cli.progress import RunProgress, cost_line
from flows.cli.resume import resume_command, waiting_lines
from flows.cli.study_table import show_study
from flows.server.choose_server import StartedServer, local_api
from flows.server.private_server import PrivateServer
from flows.server.staying_server import StayingServer

if TYPE_CHECKING:
    from flows.run_folder.outcome import Outcome


class OutcomeDisplay:
    """Shows the runs of one command; what the first of them has said is not said again by later turns."""

    def __init__(self, server: StartedServer | None, err: Console, *, as_json: bool, has_several_flows: bool) -> None:
        self._server = server
        self._json = as_json
        self._has_several_flows = has_several_flows
        self._json_results = list[dict[str, Any]]()
        self._server_described = False
        self._has_noted_quality = False
        self._out = Console(soft_wrap=False)
        self._err = err

    def print_json_list(self) -> None:
        """Prints the results of several flows as one list, with `--json`."""
        if self._json and self._has_several_flows:
            self._print(self._json_results)

    def _print(self, value: Any) -> None:
        print(json.dumps(value, indent=2, ensure_ascii=False), flush=True)

    def show(self, outcome: Outcome, progress: RunProgress, *, is_later_turn: bool) -> None:
        """Shows a run; `is_later_turn` where the conversation has shown one before."""
        if self._json:
            self._json_results.append(_as_json(outcome))
            if not self._has_several_flows:
                self._print(self._json_results[0])
            return
        progress.__exit__(None, None, None)
        progress.print_repeated()
        answers = cited_answers(outcome)
        for answer in answers:
            show_answer(self._out, answer, notice=not (is_later_turn and self._has_noted_quality))
            self._has_noted_quality |= answer.quality == "demonstration"
        if not answers and len(outcome.results) == 1 and outcome.results[0][1] is not None:
            print(json.dumps(outcome.results[0][1], indent=2, ensure_ascii=False))
        if outcome.derived and outcome.derived.measured:
            show_study(self._err, outcome.derived)
        self._print_totals(outcome)
        if is_later_turn:
            # Where the others are, the first turn has said at length.
            self._err.print(f"Files: {outcome.folder}", highlight=False, soft_wrap=True)
        else:
            self._print_places(outcome)

    def _print_totals(self, outcome: Outcome) -> None:
        totals = outcome.totals
        self._err.print(cost_line(totals), highlight=False)
        show_rejects(self._err, outcome.rejects, outcome.folder)
        if totals.cells_without_output:
            self._err.print(f"{totals.without_output_text}; see {outcome.folder}/cells.csv", style="yellow")
        if outcome.waiting and outcome.waiting_file:
            command = resume_command(outcome.waiting_file)
            for line in waiting_lines(outcome.waiting, outcome.waiting_file, command):
                self._err.print(line, style="yellow", highlight=False, soft_wrap=True, markup=False)
        for saved in outcome.saved:
            style = None if saved.done else "yellow"
            self._err.print(str(saved), style=style, highlight=False, soft_wrap=True, markup=False)

    def _print_places(self, outcome: Outcome) -> None:
        if (report := outcome.folder / "report.html").exists():
            self._err.print(f"Report: {report}", highlight=False, soft_wrap=True)
        self._err.print(f"Files: {outcome.folder} (seal {outcome.seal[:12]})", highlight=False, soft_wrap=True)
        self._err.print(
            f"Run in the Prefect UI: {_ui_url(self._server, outcome.flow_run_id)}", highlight=False, soft_wrap=True
        )
        if isinstance(self._server, StayingServer) and self._server.is_new and not self._server_described:
            self._server_described = True
            self._err.print(self._server.description, highlight=False, soft_wrap=True)


def cited_answers(outcome: Outcome) -> list[CitedAnswer]:
    """The cited answers among the results of a run."""
    found = [value for _, value in outcome.results if isinstance(value, Mapping) and "claims" in value]
    return [CitedAnswer.model_validate(value) for value in found]


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
