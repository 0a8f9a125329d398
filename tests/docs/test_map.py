"""The map of the code is true: packages describe themselves, and every file that a page names exists."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.commands import ROOT

ENTRY_POINTS = {"console_script", "warm_process", "__init__", "__main__", "osb", "tox", "trans", "vaw", "judger", "zot"}
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
_PATH = re.compile(r"(?<![\w/])(?:contract|agents|flows|tests|deployments)/[\w/]+\.py\b")
_READ_FIRST = re.compile(r"Read `([\w.]+)`")


def packages() -> Iterator[Path]:
    """Every package with code of this project."""
    for root in ("contract", "agents", "flows"):
        yield from sorted(path.parent for path in (ROOT / root).rglob("__init__.py"))


def test_flows_holds_only_entry_points_and_rooms() -> None:
    assert {path.stem for path in (ROOT / "flows").glob("*.py")} == ENTRY_POINTS


@pytest.mark.parametrize("package", list(packages()), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_package_has_a_docstring_that_names_an_existing_file(package: Path) -> None:
    text = ast.get_docstring(ast.parse((package / "__init__.py").read_text(encoding="utf-8"))) or ""
    assert text
    for name in _READ_FIRST.findall(text):
        target = package / name.replace(".", "/")
        assert target.with_suffix(".py").is_file() or target.is_dir(), f"{package.name} names {name}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_file_of_code_that_a_page_names_exists(page: Path) -> None:
    named = set(_PATH.findall(page.read_text(encoding="utf-8")))
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []
