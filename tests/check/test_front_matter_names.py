"""What stands in a criterion's front matter and has no effect there is told, where somebody could expect one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.check.test_silent_mistakes import FLOW, found

ORDINAL = FLOW.replace("by: [ward]", "level: ordinal\n  order: [does_not_violate, unclear, violates]")


def told(folder: Path, line: str, flow: str = FLOW) -> str:
    """What the check says of a criterion with that line in its front matter."""
    return found(folder, criteria__rules_md=f"---\ntitle: Rules\n{line}\n---\nDo no harm.\n", flows__mine_yaml=flow)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("ordinal: true", "`ordinal` has no effect here; write `level: ordinal` below `measures` of the flow"),
        ("level: ordinal", "`level` has no effect here; write `level: ordinal` below `measures` of the flow"),
        ("scale: ordinal", "`scale` has no effect here; write `level: ordinal` below `measures` of the flow"),
        (
            "order: [does_not_violate, unclear, violates]",
            "`order` has no effect here; write it below `measures` of the flow",
        ),
        ("positive: does_not_violate", "`positive` has no effect here; write it below `measures` of the flow"),
        ("autor: A. Scholar", "`autor` is cited as a remark; did you mean `author`?"),
        ("sources: A reader", "`sources` is cited as a remark; did you mean `source`?"),
        ("retreived: 2026-01-01", "`retreived` is cited as a remark; did you mean `retrieved`?"),
    ],
)
def test_a_name_that_has_no_effect_is_told(tmp_path: Path, line: str, message: str) -> None:
    assert told(tmp_path, line) == f"note: {tmp_path}/criteria/rules.md:3: {message}"


@pytest.mark.parametrize(
    ("line", "flow"),
    [
        ("level: undergraduate", FLOW),
        ("order: 3", FLOW),
        ("positive: examples below", FLOW),
        ("positive: violates", FLOW),
        ("note: ordinal", FLOW),
        ("ordinal: false", FLOW),
        ("ordinal: true", ORDINAL),
        ("order: [does_not_violate, unclear, violates]", ORDINAL),
        ("author: A\nauthors: A and B", FLOW),
        ("discipline: Law", FLOW),
    ],
)
def test_a_remark_is_no_mistake(tmp_path: Path, line: str, flow: str) -> None:
    assert told(tmp_path, line, flow) == ""
