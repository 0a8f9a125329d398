"""Which server `prefect` commands in the project's folder use, with and without a configured one."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path
from sqlite3 import connect

import pytest

from flows.server.private_server import free_port
from tests.support.commands import ROOT, CommandLine
from tests.support.terminal import Terminal

LOCAL = "http://127.0.0.1:9/api"
OTHER = "http://127.0.0.1:8/api"


@pytest.fixture
def cli(tmp_path: Path) -> CommandLine:
    """A folder that looks to Prefect like the project's."""
    cli = CommandLine(tmp_path)
    cli.extra_variables["PYTHONPATH"] = f"{ROOT}:{cli.environment()['PYTHONPATH']}"
    shutil.copy(ROOT / "pyproject.toml", cli.working_folder)
    return cli


def _address(cli: CommandLine, *options: str, **more: str) -> list[str]:
    done = cli.run("prefect", *options, "config", "view", **more)
    assert done.exit_code == 0 and not done.stderr, done.transcript
    return [line.partition("'")[2].partition("'")[0] for line in done.stdout.splitlines() if "PREFECT_API_URL=" in line]


def test_without_configuration_the_server_of_this_machine_is_used(cli: CommandLine) -> None:
    assert _address(cli) == [LOCAL]


def test_the_environment_comes_first(cli: CommandLine) -> None:
    assert _address(cli, PREFECT_API_URL=OTHER) == [OTHER]


def test_the_users_profile_comes_first_and_is_written_without_a_warning(cli: CommandLine) -> None:
    done = cli.run("prefect", "config", "set", f"PREFECT_API_URL={OTHER}")
    assert done.exit_code == 0 and "override" not in done.stdout + done.stderr, done.transcript
    assert _address(cli) == [OTHER]


def test_in_other_folders_no_server_is_assumed(cli: CommandLine) -> None:
    (cli.working_folder / "pyproject.toml").unlink()
    assert _address(cli) == []


def test_at_a_terminal_the_server_starts_without_asking(cli: CommandLine) -> None:
    environment = cli.environment(PREFECT_SERVER_API_PORT=str(free_port()))
    with Terminal("prefect", "server", "start", folder=cli.working_folder, environment=environment) as terminal:
        terminal.expect("Check out the dashboard")
    assert "How would you like to proceed?" not in terminal.output
    assert not cli.leftover_processes()


@pytest.mark.slow
def test_a_script_needs_no_server(cli: CommandLine, prefect_database: Path) -> None:
    cli.use_database(prefect_database)
    (cli.working_folder / "script.py").write_text(_SCRIPT)
    done = cli.run("script", PREFECT_SERVER_API_PORT=str(free_port()))
    assert done.exit_code == 0 and done.stdout == "violates\n", done.transcript
    with closing(connect(cli.folder / "prefect/prefect.db")) as database:
        [found] = database.execute(
            "SELECT task_run.task_key, task_run.state_name, flow.name FROM task_run "
            "JOIN flow_run ON flow_run.id = task_run.flow_run_id JOIN flow ON flow.id = flow_run.flow_id"
        )
    assert (found[0].rpartition("-")[0], *found[1:]) == ("judge", "Completed", "mine")
    assert not cli.leftover_processes()


_SCRIPT = """\
import asyncio

from prefect import flow

from flows import agent


@flow
async def mine():
    return await agent("judge").run("A post.", criteria="ordinary", model="demo")


print(asyncio.run(mine()).verdict)
"""
