"""Whole runs from the command line: answers, exit codes, files and processes that are left."""

from __future__ import annotations

import csv
import json
import signal
from collections import Counter
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.support.commands import CommandLine, run_folders, wait_until
from tests.support.many_calls import CELLS, write_study
from tests.support.services import FakeService, fake_service, prefect_server_process

QUESTION = "When does the Board accept a slur in political speech?"


@pytest.fixture(scope="module")
def service() -> Generator[FakeService]:
    """A model service that answers at once."""
    with fake_service(latency=0) as running:
        yield running


def test_a_question_is_answered_without_key_server_or_network(cli: CommandLine) -> None:
    done = cli.run("flows.osb", f"query={QUESTION}", COLUMNS="44")
    assert done.exit_code == 0, done.transcript
    assert (
        QUESTION.split()[-1] in done.stdout
        and "“" in done.stdout
        and "Demonstration quality" in done.stdout.replace("\n", " ")
    )
    assert "Plan: osb" in done.stderr and "Files: runs/osb/" in done.stderr and "prefect server start" in done.stderr
    assert "\x1b" not in done.stdout + done.stderr and "Traceback" not in done.stderr
    [folder] = run_folders(cli, "osb")
    for name in ("manifest.json", "answers.jsonl", "cells.csv", "results.json", "answer.md"):
        assert (folder / name).stat().st_size, name
    assert not cli.leftover_processes()


@pytest.mark.usefixtures("prebuilt_index")
def test_stdout_holds_only_json_and_the_same_command_again_asks_no_model(cli_with_server: CommandLine) -> None:
    first = cli_with_server.run("flows.osb", f"query={QUESTION}", "--json")
    again = cli_with_server.run("flows.osb", f"query={QUESTION}", "--json")
    output, second_output = json.loads(first.stdout), json.loads(again.stdout)
    assert not first.stderr and not again.stderr
    assert output["calls"]["paid"] > 0 and second_output["calls"] == {"paid": 0, "kept": sum(output["calls"].values())}
    assert second_output["results"] == output["results"]
    assert Path(output["folder"]).is_dir()
    assert not cli_with_server.leftover_processes()


@pytest.mark.usefixtures("prebuilt_index")
def test_the_bare_command_answers_an_example_where_there_is_no_terminal(cli_with_server: CommandLine) -> None:
    done = cli_with_server.run("flows.osb")
    assert done.exit_code == 0, done.transcript
    assert "nothing was asked, so this is an example" in done.stderr and QUESTION in done.stdout
    forgotten = cli_with_server.run("flows.osb", "limit=5")
    assert forgotten.exit_code == 2 and "the parameter 'query' is missing" in forgotten.stderr


@pytest.mark.usefixtures("prebuilt_index")
@pytest.mark.slow
def test_several_flows_give_one_list(cli_with_server: CommandLine, service: FakeService) -> None:
    study = write_study(cli_with_server.working_folder / "study", service)
    arguments = ["+flows=[osb,many]", f"query={QUESTION}", "topic=cats", "--config-dir", str(study), "--json"]
    done = cli_with_server.run("flows", *arguments, SOME_KEY="k")
    assert done.exit_code == 0, done.transcript
    assert [result["cells"]["completed"] for result in json.loads(done.stdout)][1] == CELLS


@pytest.mark.usefixtures("prebuilt_index")
def test_a_configured_server_is_used_and_none_started(cli_with_server: CommandLine) -> None:
    command = cli_with_server.start("flows.osb", f"query={QUESTION}")
    seen = set[str]()
    wait_until(lambda: seen.update(cli_with_server.leftover_processes(0)) or not command.running, "the end of the run")
    done = command.wait()
    assert done.exit_code == 0, done.transcript
    assert f"{cli_with_server.extra_variables['PREFECT_API_URL'].removesuffix('/api')}/runs/flow-run/" in done.stderr
    assert not any("flows.server.private_server" in line for line in seen)


@pytest.mark.usefixtures("prebuilt_index")
@pytest.mark.slow
def test_a_server_on_this_machine_is_used_without_being_configured(cli: CommandLine, prefect_api: str) -> None:
    port = prefect_api.removesuffix("/api").rpartition(":")[2]
    done = cli.run("flows.osb", f"query={QUESTION}", PREFECT_SERVER_API_PORT=port)
    assert done.exit_code == 0, done.transcript
    assert f"Run in the Prefect UI: http://127.0.0.1:{port}/runs/flow-run/" in done.stderr
    assert not cli.leftover_processes()


@pytest.mark.usefixtures("prebuilt_index")
@pytest.mark.slow
def test_a_server_that_is_not_prefect_is_left_alone(cli: CommandLine, service: FakeService) -> None:
    done = cli.run("flows.osb", f"query={QUESTION}", PREFECT_SERVER_API_PORT=service.url.rpartition(":")[2])
    assert done.exit_code == 0, done.transcript
    assert "Run in the Prefect UI: `uv run prefect server start`, then" in done.stderr
    assert not cli.leftover_processes()


@pytest.mark.slow
def test_the_same_command_again_makes_no_call(cli_with_server: CommandLine, service: FakeService) -> None:
    service.reset()
    arguments = [
        "+flows=[many]",
        "topic=dogs",
        "--config-dir",
        str(write_study(cli_with_server.working_folder / "study", service)),
    ]
    first, again = (cli_with_server.run("flows", *arguments, SOME_KEY="k") for _ in range(2))
    assert first.exit_code == again.exit_code == 0, first.transcript + again.transcript
    assert service.calls() == CELLS
    results = [(folder / "results.json").read_text(encoding="utf-8") for folder in run_folders(cli_with_server, "many")]
    assert len(results) == 2 and results[0] == results[1]


@pytest.mark.slow
def test_cells_without_output_end_the_run_with_1_and_each_has_a_row(
    cli_with_server: CommandLine, service: FakeService
) -> None:
    study = write_study(cli_with_server.working_folder / "study", service)
    service.script([{"kind": "status", "status": 400, "match": "Number 07."}])
    done = cli_with_server.run("flows", "+flows=[many]", "topic=owls", "--config-dir", str(study), SOME_KEY="k")
    assert done.exit_code == 1, done.transcript
    assert "cells have no output" in done.stderr and "Traceback" not in done.stderr
    rows = list(csv.DictReader((run_folders(cli_with_server, "many")[-1] / "cells.csv").open(encoding="utf-8")))
    ends = Counter((row["step"], row["status"]) for row in rows)
    assert ends == {
        ("draft", "failed"): 2,
        ("draft", "completed"): 58,
        ("compare", "skipped"): 1,
        ("compare", "completed"): 29,
    }


@pytest.mark.parametrize(
    ("arguments", "environment", "message"),
    [
        pytest.param(["run.folder=/proc/nowhere"], {}, "cannot make the run folder", marks=pytest.mark.slow),
        ([], {"PREFECT_API_URL": "http://127.0.0.1:9/api"}, "http://127.0.0.1:9/api failed"),
        pytest.param([], {"PREFECT_API_URL": "nonsense"}, "nonsense failed", marks=pytest.mark.slow),
    ],
    ids=["a folder that cannot be", "a server that does not answer", "no address at all"],
)
def test_a_run_that_cannot_go_on_ends_with_3(
    cli_with_server: CommandLine, arguments: list[str], environment: dict[str, str], message: str
) -> None:
    done = cli_with_server.run("flows.osb", "query=x", *arguments, **environment)
    assert done.exit_code == 3, done.transcript
    assert message in done.stderr and "Traceback" not in done.stderr
    assert not done.stdout


@pytest.mark.parametrize(
    "alone",
    [True, pytest.param(False, marks=pytest.mark.slow)],
    ids=["with a server of its own", "with a server beside"],
)
def test_ctrl_c_ends_it_plainly_and_leaves_nothing_running(
    cli_with_server: CommandLine, service: FakeService, alone: bool
) -> None:
    study = write_study(cli_with_server.working_folder / "study", service)
    service.script([{"kind": "hang"}])
    before = service.calls()
    more = {"PREFECT_API_URL": ""} if alone else {}
    command = cli_with_server.start(
        "flows", "+flows=[many]", "topic=eels", "--config-dir", str(study), SOME_KEY="k", **more
    )
    wait_until(lambda: service.calls() > before or not command.running, "the first call", 120)
    command.interrupt()
    done = command.wait(60)
    assert done.exit_code == 130, done.transcript
    assert "Interrupted. The same command goes on from here" in done.stderr
    sent = service.calls() - before
    calls = f"{sent} {'call that was' if sent == 1 else 'calls that were'} never answered may have been billed"
    assert calls in " ".join(done.stderr.split()), done.transcript
    assert "Traceback" not in done.stderr and not done.stdout
    assert not cli_with_server.leftover_processes()


@pytest.mark.parametrize("signal_to_server", [signal.SIGKILL, signal.SIGSTOP], ids=["is gone", "does not answer"])
@pytest.mark.slow
def test_ctrl_c_is_not_held_up_by_a_server_that(
    cli: CommandLine, service: FakeService, tmp_path: Path, prefect_database: Path, signal_to_server: signal.Signals
) -> None:
    study = write_study(cli.working_folder / "study", service)
    service.script([{"kind": "hang"}])
    before = service.calls()
    with prefect_server_process(tmp_path / "server", prefect_database) as (server, api_url):
        command = cli.start(
            "flows", "+flows=[many]", "topic=eels", "--config-dir", str(study), SOME_KEY="k", PREFECT_API_URL=api_url
        )
        wait_until(lambda: service.calls() > before or not command.running, "the first call", 120)
        server.send_signal(signal_to_server)
        try:
            command.interrupt()
            done = command.wait(30)
        finally:
            server.kill()
    assert done.exit_code == 130, done.transcript
    assert done.stderr.count("Interrupted. The same command goes on from here") == 1
    assert "Traceback" not in done.stderr and "EventsWorker" not in done.stderr and not done.stdout, done.transcript
    assert not cli.leftover_processes()


def test_the_network_is_blocked(tmp_path: Path) -> None:
    cli = CommandLine(tmp_path)
    (cli.working_folder / "outside.py").write_text(
        "import urllib.request as u\nu.urlopen('http://192.0.2.1/', timeout=5)\n"
    )
    (cli.working_folder / "named.py").write_text("import socket\nsocket.getaddrinfo('example.org', 80)\n")
    assert "no network in tests" in cli.run("outside").stderr
    assert "no network in tests" in cli.run("named").stderr
    assert len(cli.blocked_connections) == 2
