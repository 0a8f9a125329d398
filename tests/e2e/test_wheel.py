"""The wheel in an environment that has nothing else: the console script runs from any folder."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.commands import ROOT, CommandLine

UV = shutil.which("uv") or "uv"


def uv(*arguments: str, folder: Path) -> str:
    """Runs uv with what it has kept; a package that it has not kept is fetched."""
    for offline in (["--offline"], []):
        done = subprocess.run([UV, *arguments, *offline], cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return done.stdout
    raise AssertionError(done.stderr)


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """The console script, installed from the wheel with the versions of `uv.lock`."""
    # Built from a copy, since a build leaves files beside the sources.
    uv("build", "--wheel", "--out-dir", str(tmp_path), str(ROOT), folder=tmp_path)
    [wheel] = tmp_path.glob("buttermilk-*.whl")
    locked = uv("export", "--frozen", "--no-default-groups", "--no-emit-project", "--no-hashes", "-q", folder=ROOT)
    (tmp_path / "locked.txt").write_text(locked)
    uv("venv", "--python", "3.11", "--no-project", "env", folder=tmp_path)
    environment = str(tmp_path / "env")
    uv("pip", "install", "--python", environment, "-c", "locked.txt", str(wheel), folder=tmp_path)
    return tmp_path / "env" / "bin" / "buttermilk"


def test_the_script_answers_from_any_folder(script: Path, cli: CommandLine, prefect_database: Path) -> None:
    cli.use_database(prefect_database)
    environment = {**cli.environment(), "PATH": os.environ["PATH"]}

    def run(*words: str, folder: Path = cli.working_folder) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [script, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=240,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip

    answer = run("osb", "When does the Board accept a slur in political speech?")
    assert answer.returncode == 0 and "“" in answer.stdout, answer.stderr
    assert (cli.working_folder / "runs" / "osb" / "latest" / "answer.md").exists()
    assert run("new", "survey").returncode == 0
    checked = run("check", folder=cli.working_folder / "survey")
    assert checked.returncode == 0 and f"Study: {cli.working_folder / 'survey'}" in checked.stderr, checked.stderr
    judged = run("tox", "sample=3")
    assert judged.returncode == 0 and "Verdicts: tox" in judged.stderr, judged.stderr
    assert (cli.working_folder / "runs" / "tox" / "latest" / "report.html").exists()
    assert "osb" in run("list").stdout
    assert run("mcp", "--print-config").returncode == 0
    assert not cli.leftover_processes()
