"""A person answers after the process that asked was killed, in each of the ways; nothing is paid for twice."""

from __future__ import annotations

import asyncio
import json
import shlex
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import PrefectClient, get_client
from prefect.settings import PREFECT_API_URL, temporary_settings

from tests.engine.test_gate import wait_for_gate
from tests.support.commands import CommandLine, run_folders, wait_until, write_files
from tests.support.services import FakeService, fake_service
from tests.support.waiting_study import TerminalCommand, write_waiting_study

CALLS = 3
"""For each record that is approved."""
RUN = ("flows", "+flows=[asked]", "--config-dir", "study")


@pytest.fixture
def service(cli_with_server: CommandLine) -> Generator[FakeService]:
    """The service of the study's model, which counts its calls."""
    with fake_service(latency=0) as running:
        write_waiting_study(cli_with_server.working_folder / "study", running, 2)
        yield running


def _rows(cli: CommandLine, step: str) -> dict[str, Any]:
    lines = (run_folders(cli, "asked")[-1] / "answers.jsonl").read_text(encoding="utf-8").splitlines()
    return {row["record_id"]: row for line in lines if (row := json.loads(line))["step"] == step}


def _wait_for_cells(cli: CommandLine, number: int) -> None:
    """A call that is under way when its process is killed may be billed twice; none is here."""
    cells = cli.results / "cells"
    wait_until(lambda: len([path for path in cells.glob("*/*") if path.name[0] != "."]) == number, "the cells")


def test_at_the_terminal(cli_with_server: CommandLine, service: FakeService) -> None:
    first = TerminalCommand(cli_with_server, *RUN)
    first.wait_for("approve (a), reject (r), edit (e), later (l)")
    first.type("a")
    first.wait_for("why (may stay empty)")
    first.type("well written")
    first.wait_for("approve (a), reject (r), edit (e), later (l)", 2)
    _wait_for_cells(cli_with_server, 4)
    first.kill()
    cli_with_server.extra_variables["EDITOR"] = f"sh {cli_with_server.working_folder / 'editor.sh'}"
    write_files(cli_with_server.working_folder, {"editor.sh": "printf 'Softer.\\n' > \"$1\"\n"})
    second = TerminalCommand(cli_with_server, *RUN)
    second.wait_for("approve (a), reject (r), edit (e), later (l)")
    assert "record p1" in second.shown and "record p0" not in second.shown
    second.type("e")
    second.wait_for("why (may stay empty)")
    second.type("")
    assert second.wait() == 0, second.shown
    answers = {record: row["answer"] for record, row in _rows(cli_with_server, "consent").items()}
    assert (answers["p0"]["comment"], answers["p0"]["via"]) == ("well written", "terminal")
    assert answers["p1"]["value"] == "Softer." and "+Softer." in answers["p1"]["difference"]
    assert service.calls() == 2 * CALLS


@pytest.mark.slow
def test_from_a_file(cli_with_server: CommandLine, service: FakeService) -> None:
    first = TerminalCommand(cli_with_server, *RUN)
    first.wait_for("approve (a)")
    _wait_for_cells(cli_with_server, 4)
    first.kill()
    table = "gate,record,decision\nconsent,p0,approve\nconsent,p1,approve\n"
    write_files(cli_with_server.working_folder, {"mine.csv": table})
    done = cli_with_server.run(*RUN, "answers=mine.csv")
    assert done.exit_code == 0, done.transcript
    assert service.calls() == 2 * CALLS


def test_in_a_form_that_other_runs_spare(cli_with_server: CommandLine, service: FakeService, prefect_api: str) -> None:
    killed = cli_with_server.start(*RUN)

    async def form(client: PrefectClient, answers: dict[str, Any] | None) -> str:
        run, described = await wait_for_gate(client, "consent, a person")
        if answers:
            await client.resume_flow_run(run.id, run_input=answers)
        return described

    def with_client(answers: dict[str, Any] | None) -> str:
        async def call() -> str:
            async with get_client() as client:
                return await asyncio.wait_for(form(client, answers), 90)

        with temporary_settings({PREFECT_API_URL: prefect_api}):
            return asyncio.run(call())

    assert "May it go out" in with_client(None)
    note = "2 questions wait up to 3,600 s for a form at the server's page; with run.ask=later a run waits for none"
    wait_until(lambda: note in " ".join(killed.stderr.split()), "the note")
    _wait_for_cells(cli_with_server, 4)
    killed.kill()
    listed = cli_with_server.run("flows", "waiting")
    assert "2 questions (consent: 2)" in listed.stdout, "also of a run that was killed while it waited"
    other = cli_with_server.run("flows", "+flows=[other]", "--config-dir", "study")
    assert other.exit_code == 0, other.transcript
    approve = {"decision": "approve", "by": "ana", "comment": "yes"}
    with_client({"question_1": approve, "question_2": {"decision": "reject", "comment": "no"}})
    done = cli_with_server.run(*RUN)
    assert done.exit_code == 0, done.transcript
    assert "3,600 s" not in done.stderr, "all is answered already"
    answers = {record: row["answer"] for record, row in _rows(cli_with_server, "consent").items()}
    assert (answers["p0"]["by"], answers["p0"]["via"], answers["p1"]["decision"]) == ("ana", "form", "reject")
    assert service.calls() == 2 * CALLS - 1 + 2
    assert cli_with_server.run("flows", "waiting").stdout == "Nothing waits for a person.\n"
    assert not (run_folders(cli_with_server, "asked")[-1] / "waiting.yaml").exists()


@pytest.mark.slow
def test_an_answer_that_is_changed_later_counts(cli_with_server: CommandLine, service: FakeService) -> None:
    entry = "- {{gate: consent, record: {}, decision: {}, by: {}}}\n".format
    write_files(cli_with_server.working_folder, {
        "first.yaml": f"answers:\n{entry('p0', 'approve', 'ana')}",
        "both.yaml": f"answers:\n{entry('p0', 'reject', 'ben')}{entry('p1', 'approve', 'ana')}",
    })  # fmt: skip
    waiting = cli_with_server.run(*RUN, "run.ask=later", "answers=first.yaml")
    assert waiting.exit_code == 4, waiting.transcript
    answered = cli_with_server.run("flows", "answer", "runs/asked/latest", "--file", "both.yaml")
    assert "2 answered (1 of them otherwise than before), 0 still open." in answered.stdout, answered.transcript
    again = f"answers:\n{entry('p0', 'reject', 'cleo')}{entry('p1', 'approve', '')}"
    write_files(cli_with_server.working_folder, {"again.yaml": again})
    for said in ("1 answered (1 of them as before, by somebody else), 0", "0 answered, 0"):
        confirmed = cli_with_server.run("flows", "answer", "runs/asked/latest", "--file", "again.yaml")
        assert f"{said} still open." in confirmed.stdout, confirmed.transcript
    assert cli_with_server.run(*RUN, "run.ask=later").exit_code == 0
    decided = {record: row["answer"] for record, row in _rows(cli_with_server, "consent").items()}
    assert (decided["p0"]["decision"], decided["p0"]["by"], decided["p1"]["decision"]) == ("reject", "cleo", "approve")
    assert decided["p1"]["by"] == "ana", "who names nobody is not held to be somebody else"


def test_later_with_the_verbs(cli_with_server: CommandLine, service: FakeService) -> None:
    waiting = cli_with_server.run(*RUN, "run.ask=later", "--json")
    assert waiting.exit_code == 4, waiting.transcript
    said = json.loads(waiting.stdout)["waiting"]
    assert [one["record_id"] for one in said["questions"]] == ["p0", "p1"]
    listed = cli_with_server.run("flows", "waiting")
    assert "2 questions (consent: 2)" in listed.stdout and "answers=runs/asked/" in listed.stdout, listed.transcript
    file = Path(said["file"])
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("decision:  #", "decision: aprove  #", 1), encoding="utf-8")
    wrong = cli_with_server.run("flows", "answer", "runs/asked/latest")
    assert wrong.exit_code == 2 and "did you mean 'approve'?" in wrong.stderr, wrong.transcript
    assert f"waiting.yaml:{text[: text.index('decision:')].count(chr(10)) + 1}: " in wrong.stderr
    entries = (
        "answers:\n- {gate: consent, record: p9, decision: approve}\n"
        "- {gate: consent, record: p1, key: x, decision: reject}\n"
    )
    other = write_files(cli_with_server.working_folder, {"other.yaml": entries}) / "other.yaml"
    unknown = cli_with_server.run("flows", "answer", "runs/asked/latest", "--file", str(other))
    assert unknown.exit_code == 2, unknown.transcript
    assert "other.yaml:2: there is no record 'p9' in this run" in unknown.stderr
    assert "other.yaml:3: no question has this key" in unknown.stderr
    file.write_text(text.replace("decision:  #", "decision: approve  #"), encoding="utf-8")
    answered = cli_with_server.run("flows", "answer", "runs/asked/latest")
    assert "2 answered, 0 still open." in answered.stdout, answered.transcript
    assert cli_with_server.run("flows", "waiting").stdout == "Nothing waits for a person.\n"
    uv, run, python, dash_m, module, *rest = shlex.split(said["command"])
    assert (uv, run, python, dash_m) == ("uv", "run", "python", "-m")
    done = cli_with_server.run(module, *rest)
    assert done.exit_code == 0, done.transcript
    verified = cli_with_server.run("flows", "verify", "runs/asked/latest", "--config-dir", "study")
    assert verified.exit_code == 0, verified.transcript
    assert service.calls() == 2 * CALLS


def test_a_command_without_terminal_and_page_waits_and_says_how_to_go_on(
    cli: CommandLine, cli_with_server: CommandLine, service: FakeService
) -> None:
    cli.extra_variables.pop("PREFECT_API_URL")
    checked = cli.run("flows", "check", *RUN[1:])
    assert "'consent' waits for a person, once for each record: May it go out?" in checked.stderr, checked.transcript
    waiting = cli.run(*RUN)
    assert waiting.exit_code == 4, waiting.transcript
    assert "note: 'consent' waits for a person" in waiting.stderr
    assert "2 questions wait for a person (consent: 2); all else is done." in waiting.stderr
    assert "  uv run python -m flows '+flows=[asked]' --config-dir study answers=runs/asked/" in waiting.stderr
    assert service.calls() == 2 * CALLS - 2
