"""The wheel, and a plugin's, in an environment that has nothing else: the console script runs from any folder."""

from __future__ import annotations

import json
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


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel, and the versions of `uv.lock`."""
    folder = tmp_path_factory.mktemp("wheels")
    # Built from a copy, since a build leaves files beside the sources.
    uv("build", "--wheel", "--out-dir", str(folder), str(ROOT), folder=folder)
    locked = uv("export", "--frozen", "--no-default-groups", "--no-emit-project", "--no-hashes", "-q", folder=ROOT)
    (folder / "locked.txt").write_text(locked)
    return folder


def installed(wheels: Path, folder: Path) -> Path:
    """The programs of a new environment that holds the wheel and what it needs, and nothing else."""
    [wheel] = wheels.glob("buttermilk-*.whl")
    uv("venv", "--python", "3.11", "--no-project", str(folder), folder=wheels)
    uv(
        "pip",
        "install",
        "--python",
        str(folder),
        "-c",
        "locked.txt",
        f"buttermilk @ {wheel.as_uri()}",
        folder=wheels,
    )
    return folder / "bin"


@pytest.fixture
def script(wheels: Path, tmp_path: Path) -> Path:
    """The console script, installed from the wheel with the versions of `uv.lock`."""
    return installed(wheels, tmp_path / "env") / "buttermilk"


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_plugin_s_wheel_beside_ours_is_listed_and_run(
    wheels: Path, tmp_path: Path, cli: CommandLine, prefect_database: Path
) -> None:
    """Both as a user gets them: built, installed into an empty environment, called by the console script."""
    cli.use_database(prefect_database)
    programs = installed(wheels, tmp_path / "env")
    environment = {**cli.environment(), "PATH": os.environ["PATH"]}

    def run(*words: str) -> str:
        done = subprocess.run(
            [programs / "buttermilk", *words], cwd=cli.working_folder, env=environment,
            capture_output=True, text=True, check=False, timeout=240, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    run("new", "plugin", "letters_kit")
    uv("build", "--wheel", "--out-dir", str(tmp_path), "letters_kit", folder=cli.working_folder)
    [wheel] = tmp_path.glob("letters_kit-*.whl")
    shutil.rmtree(cli.working_folder / "letters_kit")
    uv("pip", "install", "--python", str(tmp_path / "env"), "-c", "locked.txt", "--no-deps", str(wheel), folder=wheels)
    listed = json.loads(run("list", "--json"))
    kinds = {one["kind"] for one in listed if one["package"] == "letters-kit 0.1.0"}
    assert kinds == {"flow", "agent", "tool", "reader", "storage", "criterion"}
    run("run", "letters_kit")
    manifest = json.loads((cli.working_folder / "runs/letters_kit/latest/manifest.json").read_text())
    assert manifest["plugins"] == {"letters-kit": "0.1.0"} and manifest["cells"] == {"completed": 9}
    assert not cli.leftover_processes()
