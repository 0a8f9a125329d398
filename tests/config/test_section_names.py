"""Sections of a configuration that nothing reads: a misspelt one is told, one that others take values from is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from contract.errors import StudyError
from flows.compose.compose import compose
from tests.compose.tiny_study import write_study
from tests.support.commands import ROOT

CONFIG = (ROOT / "conf" / "config.yaml").read_text(encoding="utf-8")


def mistakes(folder: Path, *arguments: str, config: str = "") -> list[str]:
    """The mistakes of a study with these lines in its config.yaml and these arguments."""
    write_study(folder, {"config.yaml": CONFIG + config})
    try:
        compose(["osb"], ["query=Why?", *arguments], folder)
    except StudyError as error:
        return [str(problem) for problem in error.problems]
    return []


def test_a_misspelt_section_is_told_where_it_stands(tmp_path: Path) -> None:
    at = f"{tmp_path}/config.yaml:{CONFIG.count(chr(10)) + 1}"
    assert mistakes(tmp_path, config="runs: {folder: x}\n") == [
        f"{at}: nothing reads a section 'runs'; did you mean 'run'?"
    ]
    argument = "+modles.demo.version=2"
    assert mistakes(tmp_path, argument) == [
        f"command line: {argument}: nothing reads a section 'modles'; did you mean 'models'?"
    ]
    argument = "+foo.bar=2"
    assert mistakes(tmp_path, argument) == [
        f"command line: {argument}: nothing reads a section 'foo'; the sections are bm, flows, llms, models, run, "
        "secrets, storage, tools"
    ]


def test_a_section_of_the_command_line_may_be_taken_from(tmp_path: Path) -> None:
    taken = "models: {mine: {kind: scripted, version: '${ours.version}'}}\n"
    assert mistakes(tmp_path, "+ours.version=a", config=taken) == []


@pytest.mark.parametrize(
    "config",
    [
        "runs: {version: a}\nmodels: {mine: {kind: scripted, version: '${runs.version}'}}\n",
        "x-run: &common {batch: 3}\nrun: *common\n",
    ],
    ids=["another section takes its value", "an anchor"],
)
def test_a_section_of_ones_own_is_no_mistake(tmp_path: Path, config: str) -> None:
    assert mistakes(tmp_path, config=config) == []


def test_what_plus_cannot_add_is_told(tmp_path: Path) -> None:
    assert mistakes(tmp_path, "+run.batch=3") == [
        "command line: +run.batch=3: 'run.batch' is set already, and + adds what is not; write run.batch=…"
    ]
