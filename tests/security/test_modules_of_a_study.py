"""A study is a folder from anyone: a command given in it runs no Python that stands or is named there."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.security.hostile_studies import FILES
from tests.support.commands import CommandLine, RunningCommand, write_files

BUTTERMILK = Path(sys.executable).with_name("buttermilk")
MODULES = ("__future__", "asyncio", "json", "prefect", "regex", "socket", "sqlite3", "typing", "uvicorn", "yaml")
CALLS = """\
version: 1
handlers: {x: {"()": os.system, command: "touch WHERE/pwned"}}
loggers: {prefect: {handlers: [x]}}
"""
"""A file of logging that Prefect reads; whatever it names is called."""
SETTINGS = {
    "prefect.toml": 'WHERE/prefect.toml:[logging]\nconfig_path = "WHERE/logging.yml"\n',
    "prefect.toml: home": 'WHERE/prefect.toml:home = "WHERE"\n',
    "prefect.toml: profiles": 'WHERE/prefect.toml:profiles_path = "WHERE/profiles.toml"\n',
    ".env": "WHERE/.env:PREFECT_LOGGING_CONFIG_PATH=WHERE/logging.yml\n",
    ".env: the earlier name": "WHERE/.env:PREFECT_LOGGING_SETTINGS_PATH=WHERE/logging.yml\n",
    "pyproject.toml": 'WHERE/pyproject.toml:[tool.prefect.logging]\nconfig_path = "WHERE/logging.yml"\n',
}
IN_EVERY_RUN = ("prefect.toml", ".env")
PROFILES = 'active = "x"\n[profiles.x]\nPREFECT_LOGGING_CONFIG_PATH = "WHERE/logging.yml"\n'
HOSTILE = "from pathlib import Path\nPath('pwned').write_text(__name__)\nraise ImportError('hostile')\n"


@pytest.fixture
def cli(tmp_path: Path) -> CommandLine:
    """Commands that are given in the folder of a study which holds modules of the names that commands import."""
    found = CommandLine(tmp_path)
    write_files(found.working_folder, {**FILES, **{f"{name}.py": HOSTILE for name in MODULES}})
    return found


def test_python_m_imports_nothing_from_the_folder_it_is_given_in(cli: CommandLine) -> None:
    done = cli.run("flows", "check", "+flows=[tiny]", "--config-dir", ".")
    assert not (cli.working_folder / "pwned").exists(), done.transcript
    assert done.exit_code == 0, done.transcript


def test_the_server_of_a_run_imports_nothing_from_there(cli: CommandLine) -> None:
    command = RunningCommand([str(BUTTERMILK), "tiny"], cli.working_folder, cli.environment())
    done = command.wait(300)
    assert not (cli.working_folder / "pwned").exists(), done.transcript
    assert "Files: runs/tiny/" in done.transcript


@pytest.mark.parametrize(
    "where", [one if one in IN_EVERY_RUN else pytest.param(one, marks=pytest.mark.slow) for one in SETTINGS]
)
def test_settings_of_prefect_in_a_study_call_nothing(tmp_path: Path, where: str) -> None:
    cli = CommandLine(tmp_path)
    file, _, text = SETTINGS[where].partition(":")
    named = {Path(file).name: text, "logging.yml": CALLS, "profiles.toml": PROFILES}
    folder = str(cli.working_folder)
    write_files(cli.working_folder, {**FILES, **{name: one.replace("WHERE", folder) for name, one in named.items()}})
    environment = cli.environment()
    del environment["PREFECT_HOME"]
    command = RunningCommand([str(BUTTERMILK), "tiny"], cli.working_folder, environment)
    done = command.wait(300)
    assert not (cli.working_folder / "pwned").exists(), done.transcript
    assert "Files: runs/tiny/" in done.transcript
