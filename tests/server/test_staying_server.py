"""The Prefect server of this machine that a command starts and leaves: who shares it, when it ends, what it refuses."""

from __future__ import annotations

import json
import os
import signal
import socket
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import httpx
import pytest

from contract.errors import RunError
from contract.server_policy import parse_server_policy
from flows.cli.server import server_command
from flows.server import listener_owner
from flows.server.choose_server import CommandServer, server_policy, use_running_server
from flows.server.staying_server import StayingServer
from flows.server.staying_state import StateFolder
from tests.support.commands import CommandLine, wait_until
from tests.support.many_calls import write_study
from tests.support.services import fake_service

STAY = "run.server=stay 10m"


def status(machine: CommandLine, **variables: str) -> dict[str, Any]:
    done = machine.run("flows", "server", "status", "--json", **variables)
    assert done.exit_code == 0, done.transcript
    return json.loads(done.stdout)["server"] or {}


def as_command(machine: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Gives this process the Prefect settings of the command line, and no others: they are the server's identity."""
    theirs = {name: value for name, value in machine.environment().items() if name.startswith("PREFECT_")}
    for name in [name for name in os.environ if name.startswith("PREFECT_") and name not in theirs]:
        monkeypatch.delenv(name)
    for name, value in theirs.items():
        monkeypatch.setenv(name, value)


def answer(url: str, **headers: str) -> int:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=30) as response:
            return response.status
    except urllib.error.HTTPError as error:
        return error.code


def test_commands_share_one_server_and_replace_one_that_was_killed(
    machine: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = [machine.start("flows", "server", "start", STAY) for _ in range(2)]
    assert [one.wait().exit_code for one in both] == [0, 0]
    first = status(machine)
    assert first["ready"] and first["api_url"].endswith(f":{machine.extra_variables['PREFECT_SERVER_API_PORT']}/api")
    assert (first["idle_seconds"], first["in_use"]) == (600, False)
    assert len(machine.leftover_processes(0)) == 1
    folder = next((machine.folder / "prefect" / "buttermilk").iterdir())
    assert folder.stat().st_mode & 0o777 == 0o700 and (folder / "state.json").stat().st_mode & 0o777 == 0o600

    page = first["api_url"].removesuffix("/api")
    assert "<html" in urllib.request.urlopen(page, timeout=30).read().decode().lower(), "its page is there"
    version = f"{first['api_url']}/admin/version"
    assert answer(version) == answer(version, Origin=page) == 200
    assert answer(version, Origin="https://example.org") == answer(version, Host="example.org") == 403

    # A command of another version or with other settings has another folder, and does not take it for an operator's.
    assert not status(machine, PREFECT_API_DATABASE_CONNECTION_URL="sqlite+aiosqlite:////elsewhere.db")
    monkeypatch.setenv("PREFECT_SERVER_API_PORT", machine.extra_variables["PREFECT_SERVER_API_PORT"])
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    assert not use_running_server()

    os.kill(first["pid"], signal.SIGKILL)
    assert machine.run("flows", "server", "start", STAY).exit_code == 0
    second = status(machine)
    assert second["pid"] != first["pid"] and second["api_url"] == first["api_url"]
    assert "has ended" in machine.run("flows", "server", "stop").stdout
    assert not status(machine) and not machine.leftover_processes()


def test_a_run_holds_the_server_and_the_server_takes_another_port_when_its_own_is_taken(
    machine: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_command(machine, monkeypatch)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", int(machine.extra_variables["PREFECT_SERVER_API_PORT"])))
        taken.listen()
        server = StayingServer.open(1)
    assert server and server.is_new
    server.wait_until_ready()
    settings = json.loads(urllib.request.urlopen(f"{server.api_url.removesuffix('/api')}/ui-settings").read())
    assert settings["api_url"] == server.api_url
    assert machine.extra_variables["PREFECT_SERVER_API_PORT"] not in server.api_url
    found = StayingServer.find()
    assert found and found.pid == server.pid and not found.is_new
    server.stop()
    refused = machine.run("flows", "server", "stop")
    assert refused.exit_code == 3 and "a run uses the server now" in refused.stderr
    assert not server.has_ended(), "it is held by the other"
    found.stop()
    wait_until(server.has_ended, "the server that nobody uses")


def test_a_killed_run_does_not_hold_the_server(machine: CommandLine) -> None:
    with fake_service(latency=0) as service:
        study = write_study(machine.working_folder / "study", service)
        service.script([{"kind": "hang"}])
        arguments = ["+flows=[many]", "topic=eels", "--config-dir", str(study), "run.server=stay 1s"]
        command = machine.start("flows", *arguments, SOME_KEY="k")
        wait_until(lambda: service.calls() > 0 or not command.running, "the first call", 120)
        assert status(machine)["in_use"], command.stderr
        command.kill()
    assert not machine.leftover_processes()


@pytest.mark.parametrize(
    ("asked", "state", "told"),
    [
        ("", "Crashed", "as after a kill. The same run again goes on from what is kept."),
        pytest.param("CANCELLING", "Cancelled", "", marks=pytest.mark.slow),
    ],
)
def test_the_server_ends_a_killed_run_though_no_other_follows(
    machine: CommandLine, asked: str, state: str, told: str
) -> None:
    with fake_service(latency=0) as service:
        study = write_study(machine.working_folder / "study", service)
        service.script([{"kind": "hang"}])
        arguments = ["+flows=[many]", "topic=eels", "--config-dir", str(study), STAY]
        command = machine.start("flows", *arguments, SOME_KEY="k")
        wait_until(lambda: service.calls() > 0 or not command.running, "the first call", 120)
        api_url = status(machine)["api_url"]
        wait_until(lambda: _number(api_url, "task_runs", "RUNNING") > 0, "a task run under way")
        [run] = [one for one in _runs(api_url, "flow_runs") if not one["parent_task_run_id"]]
        if asked:
            changed = {"state": {"type": asked}, "force": True}
            httpx.post(f"{api_url}/flow_runs/{run['id']}/set_state", json=changed).raise_for_status()
        command.kill()
    left = ("RUNNING", "PENDING", "CANCELLING")
    wait_until(lambda: not sum(_number(api_url, kind, *left) for kind in ("flow_runs", "task_runs")), "the end", 30)
    assert [run["state_name"] for run in _runs(api_url, "flow_runs")] == [state]
    ended = {run["state_name"] for run in _runs(api_url, "task_runs")}
    assert ended == {state}, "no call had been answered"
    lines = [line["message"] for line in _runs(api_url, "logs")]
    assert any("as after a kill" in line and told in line for line in lines) == bool(told), lines
    assert not list(machine.results.rglob("running/*.*")), "no mark is left"


OWN_FLOW = """\
import asyncio

from prefect import flow

from flows import agent


@flow
async def mine():
    await agent("llm", config_dir="study").run("Eels.", model="ann", template="draft", instructions="Number 01.")


asyncio.run(mine())
"""


def test_the_server_ends_a_killed_flow_of_ones_own_that_waits_for_an_agent(machine: CommandLine) -> None:
    assert machine.run("flows", "server", "start", STAY).exit_code == 0
    api_url = status(machine)["api_url"]
    with fake_service(latency=0) as service:
        write_study(machine.working_folder / "study", service)
        service.script([{"kind": "hang"}])
        (machine.working_folder / "own.py").write_text(OWN_FLOW, encoding="utf-8")
        command = machine.start("own", SOME_KEY="k", PREFECT_API_URL=api_url)
        wait_until(lambda: service.calls() > 0 or not command.running, "the first call", 120)
        wait_until(lambda: _number(api_url, "task_runs", "RUNNING") > 0, "a task run under way")
        command.kill()
    kinds = ("flow_runs", "task_runs")
    wait_until(lambda: [_number(api_url, kind, "CRASHED") for kind in kinds] == [1, 1], "the end", 30)
    assert not list(machine.results.rglob("running/*.*")), "no mark is left"


def _runs(api_url: str, kind: str) -> list[dict[str, Any]]:
    return httpx.post(f"{api_url}/{kind}/filter", json={}).raise_for_status().json()


def _number(api_url: str, kind: str, *types: str) -> int:
    """How many runs of that kind are in states of those types."""
    wanted = {kind: {"state": {"type": {"any_": types}}}}
    return httpx.post(f"{api_url}/{kind}/count", json=wanted).raise_for_status().json()


def test_a_question_leaves_the_server_and_prints_the_address_of_its_page(machine: CommandLine) -> None:
    study = machine.working_folder / "study"
    with fake_service(latency=0) as service:
        arguments = ["+flows=[many]", "topic=owls", "--config-dir", str(write_study(study, service))]
        done = machine.run("flows", *arguments, SOME_KEY="k", BUTTERMILK_SERVER="stay 9m")
        again = machine.run("flows", *arguments, SOME_KEY="k", BUTTERMILK_SERVER="stay 9m")
    assert done.exit_code == again.exit_code == 0, done.transcript + again.transcript
    found = status(machine)
    page = found["api_url"].removesuffix("/api")
    assert f"Run in the Prefect UI: {page}/runs/flow-run/" in done.stderr and page in again.stderr
    assert "ends after 9m without one" in done.stderr and "server stop" not in again.stderr


def test_none_starts_no_server(machine: CommandLine) -> None:
    done = machine.run("flows.osb", "query=Why?", "run.server=none")
    assert done.exit_code == 3 and "no Prefect server answers" in done.stderr, done.transcript


@pytest.mark.parametrize(
    ("text", "seconds"), [("stay", 900), ("stay 15m", 900), ("stay 2h", 7200), ("stay 5 s", 5), ("with_run", 0)]
)
def test_policies_are_read(text: str, seconds: int) -> None:
    policy = parse_server_policy(text)
    assert policy.idle_seconds == seconds and parse_server_policy(str(policy)) == policy


@pytest.mark.parametrize("text", ["", "stay forever", "stay 0s", "stay 15", "Stay", "stay 999h", "no"])
def test_other_policies_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"stay"):
        parse_server_policy(text)


def test_automated_builds_and_tests_leave_no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BUTTERMILK_SERVER")
    for name in ("CI", "TF_BUILD", "JENKINS_URL"):
        monkeypatch.delenv(name, raising=False)
    assert server_policy(None).kind == "with_run", "this is a test"
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    assert str(server_policy(None)) == "stay 15m"
    monkeypatch.setenv("CI", "true")
    assert server_policy(None).kind == "with_run"
    assert str(server_policy("stay 1h")) == "stay 1h"
    monkeypatch.setenv("BUTTERMILK_SERVER", "for ever")
    with pytest.raises(RunError, match="BUTTERMILK_SERVER=for ever cannot be read"):
        server_policy(None)


def test_a_folder_of_another_user_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    StateFolder().prepare()
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    told = "belongs to another user, whose Prefect server is not used; set HOME to your own home folder"
    with pytest.raises(RunError, match=told):
        StayingServer.open(5)
    for words in (["status"], ["stop"], ["stop", "now"]):
        with pytest.raises(RunError, match=told):
            server_command(words)


@pytest.mark.parametrize(
    ("uid", "port", "expected"), [(os.getuid(), 4200, False), (0, 4200, False), (1234, 4200, True), (1234, 4201, False)]
)
def test_a_server_of_another_person_is_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, uid: int, port: int, expected: bool
) -> None:
    table = tmp_path / "tcp"
    table.write_text(
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
        f"   0: 0100007F:{port:04X} 00000000:0000 0A 00000000:00000000 00:00000000 00000000 {uid:5} 0 1 1 0\n"
        "   1: 0100007F:1068 0100007F:9999 01 00000000:00000000 00:00000000 00000000  1234 0 1 1 0\n"
    )
    monkeypatch.setattr(listener_owner, "_TABLES", (table, tmp_path / "none"))
    assert listener_owner.is_another_users("http://127.0.0.1:4200/api") is expected


def test_a_run_leaves_its_imports_to_the_next(machine: CommandLine) -> None:
    machine.extra_variables["BUTTERMILK_SERVER"] = "stay 10m"
    question = "query=When does the Board accept a slur?"
    first = machine.run("flows.osb", question)
    assert first.exit_code == 0, first.transcript
    keeping = machine.folder / "prefect" / "buttermilk"
    wait_until(lambda: bool(list(keeping.glob("warm-*/commands"))), "the process that keeps the imports")
    assert "keeps the imports" in machine.run("flows", "server", "status").stdout

    second = machine.run("flows.osb", question)
    assert (second.exit_code, second.stdout) == (0, first.stdout), second.transcript
    assert len(machine.leftover_processes(0)) == 2, "a server, and a process that keeps the imports"
    assert machine.run("flows.osb", "quer=Why?").exit_code == 2
    stopped = machine.run("flows", "server", "stop")
    assert "The process that kept the imports of commands has ended." in stopped.stdout
    assert not machine.leftover_processes()


@pytest.mark.parametrize(("usual", "seconds"), [("with_run", 0), ("stay 5m", 300)])
def test_beside_a_configured_server_a_command_leaves_what_is_usual_here(
    monkeypatch: pytest.MonkeyPatch, usual: str, seconds: int
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    monkeypatch.setenv("BUTTERMILK_SERVER", usual)
    assert CommandServer("stay 2h").idle_seconds == seconds
