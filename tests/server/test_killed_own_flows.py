"""A killed flow of one's own does not stay Running, wherever it was, and whichever server comes next."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.commands import CommandLine, RunningCommand, wait_until
from tests.support.many_calls import write_study
from tests.support.services import FakeService, fake_service

ASK = 'agent("llm", config_dir="study").run("Eels.", model="ann", template="draft", instructions="Number 01.")'
SCRIPT = """\
import asyncio
import os
import signal
import time

from prefect import flow, get_client, task
from prefect.task_runners import ProcessPoolTaskRunner

from flows import agent, study
from flows.declared import declare


def told(word):
    open(word, "w").close()


@task
async def ask():
    await {ask}


@task
def ask_and_end():
    agent("llm", config_dir="study").run_sync("Eels.", model="ann", template="draft", instructions="Number 01.")
    told("asked")
    os.kill(os.getpid(), signal.SIGKILL)


@flow{options}
{body}


if __name__ == "__main__":
    {run}
"""
ASYNC = "asyncio.run(mine())"
PLACES = {
    "between two agents": f"async def mine():\n    await {ASK}\n    told('ready')\n    time.sleep(600)",
    "in a task": "async def mine():\n    await ask()",
    "after a task": "async def mine():\n    await ask()\n    told('ready')\n    time.sleep(600)",
    "while a task waits to be tried again": (
        f"async def mine():\n    await {ASK}\n    await fail()\n\n\n"
        "@task(retries=1, retry_delay_seconds=600)\nasync def fail():\n    told('ready')\n    raise OSError"
    ),
    "awaiting a study": 'async def mine():\n    await declare("many", "study")(topic="eels")',
    "awaiting a study in a task": (
        "async def mine():\n    await inner()\n\n\n@task\nasync def inner():\n"
        '    await declare("many", "study")(topic="eels")'
    ),
    "in a flow within a flow": f"async def mine():\n    await inner()\n\n\n@flow\nasync def inner():\n    await {ASK}",
    "without async": 'def mine():\n    study("many", config_dir="study", topic="eels").run()',
}
HANGS = {"in a task", "awaiting a study", "awaiting a study in a task", "in a flow within a flow", "without async"}


@pytest.fixture
def own(machine: CommandLine) -> CommandLine:
    machine.extra_variables["SOME_KEY"] = "k"
    return machine


def _start(
    machine: CommandLine, service: FakeService, body: str, run: str = ASYNC, options: str = ""
) -> RunningCommand:
    write_study(machine.working_folder / "study", service)
    text = SCRIPT.format(ask=ASK, body=body, run=run, options=options)
    (machine.working_folder / "own.py").write_text(text, encoding="utf-8")
    return machine.start("own")


def _kill_at(machine: CommandLine, place: str) -> None:
    with fake_service(latency=0) as service:
        if place in HANGS:
            service.script([{"kind": "hang"}])
        run = "mine()" if place == "without async" else ASYNC
        command = _start(machine, service, PLACES[place], run)
        at = (lambda: service.calls() > 0) if place in HANGS else (machine.working_folder / "ready").exists
        wait_until(lambda: at() or not command.running, "the place where it is killed", 120)
        assert command.running, command.stderr
        if "tried again" in place:
            api_url = machine.extra_variables["PREFECT_API_URL"]
            wait_until(lambda: "AwaitingRetry" in _states(api_url, "task_runs"), "the state of the task")
        command.kill()


def _server(machine: CommandLine) -> str:
    assert machine.run("flows", "server", "start", "run.server=stay 10m").exit_code == 0
    return json.loads(machine.run("flows", "server", "status", "--json").stdout)["server"]["api_url"]


def _states(api_url: str, kind: str = "flow_runs", asked: dict[str, Any] | None = None) -> list[str]:
    rows: list[Any] = httpx.post(f"{api_url}/{kind}/filter", json=asked or {}).raise_for_status().json()
    return [row["state_name"] for row in rows]


def _wait_until_ended(api_url: str) -> None:
    """What is not Completed has to be Crashed."""

    def left() -> set[str]:
        return {*_states(api_url), *_states(api_url, "task_runs")} - {"Completed", "Crashed"}

    wait_until(lambda: not left(), lambda: f"the end of {left()}", 30)
    assert set(_states(api_url)) == {"Crashed"}


IN_EVERY_RUN = {"awaiting a study in a task"}


@pytest.mark.parametrize(
    "place", [pytest.param(one, marks=() if one in IN_EVERY_RUN else pytest.mark.slow) for one in PLACES]
)
def test_a_server_that_stays_ends_it(own: CommandLine, place: str) -> None:
    own.extra_variables["PREFECT_API_URL"] = api_url = _server(own)
    _kill_at(own, place)
    _wait_until_ended(api_url)
    assert not list(own.results.rglob("running/*.*")), "no mark is left"


@pytest.mark.parametrize("place", ["between two agents", pytest.param("awaiting a study", marks=pytest.mark.slow)])
def test_the_next_server_ends_it_where_there_was_none(own: CommandLine, place: str) -> None:
    """Prefect starts a server for the program, which outlives it and does not look for killed runs."""
    _kill_at(own, place)
    own.kill("prefect.server")
    _wait_until_ended(_server(own))


def test_the_next_flow_of_ones_own_ends_it(own: CommandLine, prefect_api: str) -> None:
    """Also on a server of somebody else's, such as an institute's."""
    own.extra_variables["PREFECT_API_URL"] = prefect_api
    ours = ("flow_runs", {"flows": {"name": {"any_": ["mine"]}}})
    before = len(_states(prefect_api, *ours))
    _kill_at(own, "between two agents")
    assert _states(prefect_api, *ours).count("Running") == 1
    with fake_service(latency=0) as service:
        done = _start(own, service, f"async def mine():\n    await {ASK}").wait()
    assert done.exit_code == 0, done.transcript
    states = _states(prefect_api, *ours)
    assert len(states) == before + 2 and "Running" not in states


@pytest.mark.slow
def test_a_task_in_a_process_of_its_own_that_dies_does_not_end_its_flow(own: CommandLine) -> None:
    own.extra_variables["PREFECT_API_URL"] = api_url = _server(own)
    body = (
        "def mine():\n    future = ask_and_end.submit()\n    while not os.path.exists('asked'):\n"
        "        time.sleep(0.1)\n    time.sleep(8)\n    told('survived')\n    time.sleep(600)"
    )
    with fake_service(latency=0) as service:
        command = _start(own, service, body, "mine()", "(task_runner=ProcessPoolTaskRunner(max_workers=1))")
        wait_until(lambda: Path(own.working_folder / "survived").exists() or not command.running, "the flow", 120)
        assert command.running, command.stderr
        assert _states(api_url) == ["Running"]
        command.kill()
