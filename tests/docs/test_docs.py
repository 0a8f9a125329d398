"""Every command, file and program in the documentation, run as a reader would, in order, each page in its own folder.
The pages share one cache, as a reader's commands do.

A comment before a block names its kind: `<!-- file: path -->` a file to write, `<!-- expect: 2 -->` the exit code
of the command, `<!-- python -->` a program to run, `<!-- polars -->` and `<!-- r -->` one to run where polars
or R is installed, `<!-- elsewhere -->` and `<!-- transcript -->` commands that need servers; tests/deploy runs them.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

from flows.corpus.index import CorpusIndex
from flows.run_folder.derive import derive
from tests.support.commands import ROOT
from tests.support.traces import finished_run

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
_BLOCK = re.compile(r"(?:<!-- (?P<note>[^>]*?) -->\n)?```(?P<language>\w*)\n(?P<body>.*?)```", re.DOTALL)
_ELSEWHERE = ("uv run pytest", "uv sync", "uv run prefect server start", "uv run prefect worker start", "git clone")
"""Commands that other tests run, or that do not end by themselves."""


@dataclass(frozen=True)
class Block:
    """One fenced block and the comment before it."""

    language: str
    body: str
    note: str


def blocks(page: Path) -> Iterator[Block]:
    for found in _BLOCK.finditer(page.read_text(encoding="utf-8")):
        yield Block(found["language"], found["body"], found["note"] or "")


def run(command: list[str], folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=folder,
        env=environment,
        text=True,
        capture_output=True,
        timeout=240,
        check=False,
        stdin=subprocess.DEVNULL,
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_command_has_a_sign_that_a_shell_takes_for_a_pattern(page: Path) -> None:
    """zsh, which a Mac has, ends `+flows=[osb]` with "no matches found", unless it stands in quotation marks."""
    commands = [line for block in blocks(page) if block.language == "bash" for line in block.body.splitlines()]
    bare = {line: re.sub(r"'[^']*'|\"[^\"]*\"", "", line.partition(" #")[0]) for line in commands}
    assert [line for line, text in bare.items() if re.search(r"[\[\]*?{}]", text)] == []


@pytest.fixture(scope="module")
def environment(
    tmp_path_factory: pytest.TempPathFactory, prefect_api: str, osb_index: CorpusIndex
) -> Iterator[dict[str, str]]:
    """The reader's environment: no keys, a cache with an index of the shipped corpus, and a server of Prefect.

    As on a reader's machine, a command leaves its imports to the next ones.
    """
    kept = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}
    cache = tmp_path_factory.mktemp("cache")
    indexes = cache / "buttermilk" / "indexes"
    indexes.mkdir(parents=True)
    shutil.copy(osb_index.location, indexes)
    ours = {"XDG_CACHE_HOME": str(cache), "PREFECT_API_URL": prefect_api, "PYTHONPATH": str(ROOT)}
    # The environment is installed: each `uv run` would look whether it still is.
    ours |= {"UV_PROJECT": str(ROOT), "UV_OFFLINE": "1", "UV_NO_SYNC": "1", "BUTTERMILK_SERVER": "stay 10m"}
    yield {**kept, **ours}
    run([sys.executable, "-m", "flows", "server", "stop"], ROOT, {**kept, **ours})


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_block_of_a_page_works(page: Path, tmp_path: Path, environment: dict[str, str]) -> None:
    folder = tmp_path / "reader"
    folder.mkdir()
    environment = {**environment, "BUTTERMILK_USER_CONFIG": str(folder / ".config/buttermilk")}
    if page.stem == "results":
        command = [sys.executable, "-m", "flows.osb", "query=What is a veiled threat?"]
        assert run(command, folder, environment).returncode == 0
    for block in blocks(page):
        _check_block(block, folder, environment)


def _check_block(block: Block, folder: Path, environment: dict[str, str]) -> None:
    kind, _, value = block.note.partition(": ")
    if block.language == "yaml":
        assert yaml.safe_load(block.body)
    if kind == "file":
        path = folder / value
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.body, encoding="utf-8")
    elif kind == "python":
        done = run([sys.executable, "-c", block.body], folder, environment)
        assert done.returncode == 0, done.stderr
    elif block.language == "bash" and kind not in ("elsewhere", "transcript") and not block.body.startswith(_ELSEWHERE):
        _check_commands(block.body, int(value) if kind == "expect" else 0, folder, environment)


def _check_commands(body: str, expected: int, folder: Path, environment: dict[str, str]) -> None:
    for line in body.strip().splitlines():
        done = run([shutil.which("bash") or "bash", "-c", line], folder, environment)
        transcript = f"{line}\n{done.stdout}\n{done.stderr}"
        assert done.returncode == expected, transcript
        assert "Traceback" not in done.stderr, transcript


@pytest.mark.skipif(find_spec("polars") is None, reason="polars is not installed: uv run --group polars pytest")
def test_what_is_shown_in_polars_works(tmp_path: Path) -> None:
    _check_programs("polars", [sys.executable, "-c"], tmp_path)


@pytest.mark.skipif(shutil.which("Rscript") is None, reason="R is not installed: no Rscript on the PATH")
def test_what_is_shown_in_r_works(tmp_path: Path) -> None:
    _check_programs("r", ["Rscript", "-e"], tmp_path)


def _check_programs(note: str, command: list[str], folder: Path) -> None:
    derive(finished_run(folder / "runs" / "osb" / "latest"))
    found = [block for page in PAGES for block in blocks(page) if block.note == note]
    assert found
    for block in found:
        done = run([*command, block.body], folder, dict(os.environ))
        assert done.returncode == 0, done.stderr
        assert "completed" in done.stdout and "judge" in done.stdout, done.stdout


def test_links_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\((?!https?://)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
