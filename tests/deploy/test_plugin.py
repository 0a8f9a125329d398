"""Which server `prefect` commands in the project's folder take, where none is configured and where one is."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from flows.server.private_server import free_port
from tests.support.commands import ROOT, CommandLine
from tests.support.terminal import Terminal

LOCAL = "http://127.0.0.1:9/api"
OTHER = "http://127.0.0.1:8/api"


@pytest.fixture
def cli(tmp_path: Path) -> CommandLine:
    """The project's folder, as far as Prefect looks at it."""
    cli = CommandLine(tmp_path)
    cli.extra_variables["PYTHONPATH"] = f"{ROOT}:{cli.environment()['PYTHONPATH']}"
    shutil.copy(ROOT / "pyproject.toml", cli.working_folder)
    return cli


def _address(place: CommandLine, *options: str, **more: str) -> list[str]:
    done = place.run("prefect", *options, "config", "view", **more)
    assert done.exit_code == 0 and not done.stderr, done.transcript
    return [line.partition("'")[2].partition("'")[0] for line in done.stdout.splitlines() if "PREFECT_API_URL=" in line]


def test_where_nothing_is_configured_it_is_the_server_of_this_machine(cli: CommandLine) -> None:
    assert _address(cli) == [LOCAL]


def test_the_environment_goes_before(cli: CommandLine) -> None:
    assert _address(cli, PREFECT_API_URL=OTHER) == [OTHER]


def test_the_users_profile_goes_before_and_is_written_without_ado(cli: CommandLine) -> None:
    done = cli.run("prefect", "config", "set", f"PREFECT_API_URL={OTHER}")
    assert done.exit_code == 0 and "override" not in done.stdout + done.stderr, done.transcript
    assert _address(cli) == [OTHER]


def test_in_other_folders_nothing_is_taken_for_granted(cli: CommandLine) -> None:
    (cli.working_folder / "pyproject.toml").unlink()
    assert _address(cli) == []


def test_at_a_terminal_the_server_starts_without_asking(cli: CommandLine) -> None:
    environment = cli.environment(PREFECT_SERVER_API_PORT=str(free_port()))
    with Terminal("prefect", "server", "start", folder=cli.working_folder, environment=environment) as terminal:
        terminal.expect("Check out the dashboard")
    assert "How would you like to proceed?" not in terminal.output
    assert not cli.leftover_processes()
