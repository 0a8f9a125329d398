"""Presets that compare several models say so when only one is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.compose.compose import compose
from tests.support.commands import write_files

_QUERY = "query=What is a veiled threat?"


def _notes(folder: Path, flow: str, *arguments: str) -> list[str]:
    write_files(folder, {"models/twin.yaml": "twin: {kind: embedded}\n"})
    [study] = compose([flow], list(arguments), folder)
    return [one for one in study.notices if "only one model" in one]


@pytest.mark.parametrize(
    ("flow", "arguments", "expected"),
    [
        ("debate", (_QUERY,), "'research' asks only one model (demo), so nothing is debated"),
        ("mixture", (_QUERY,), "'research' asks only one model (demo), so nothing is merged"),
        ("panel", ("model=demo",), "'judge' asks only one model (demo), so no vote is taken among models"),
        ("debate", (_QUERY, "llms.researchers=[demo,twin]"), "asks only one model (demo, twin), so nothing is debated"),
    ],
)
def test_one_model_is_told_where_several_are_compared(
    tmp_path: Path, flow: str, arguments: tuple[str, ...], expected: str
) -> None:
    [note] = _notes(tmp_path, flow, *arguments)
    assert expected in note and "name two or more different models" in note


@pytest.mark.parametrize(
    ("flow", "arguments"),
    [("panel", ()), ("osb", (_QUERY,)), ("debate", (_QUERY, "llms.researchers=[demo,demo_average]"))],
)
def test_several_models_and_flows_that_compare_none_are_told_nothing(
    tmp_path: Path, flow: str, arguments: tuple[str, ...]
) -> None:
    assert _notes(tmp_path, flow, *arguments) == []
