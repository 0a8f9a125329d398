"""A study is a folder from anyone: a command given in it runs no Python that stands there."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.security.hostile_studies import FILES
from tests.support.commands import CommandLine, RunningCommand, write_files

MODULES = ("__future__", "asyncio", "json", "prefect", "regex", "socket", "sqlite3", "typing", "uvicorn", "yaml")
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
    script = Path(sys.executable).with_name("buttermilk")
    command = RunningCommand([str(script), "tiny"], cli.working_folder, cli.environment())
    done = command.wait(300)
    assert not (cli.working_folder / "pwned").exists(), done.transcript
    assert "Files: runs/tiny/" in done.transcript
