"""Results kept by an earlier version are found by this one: no key depends on how the code is arranged.

`tests/data/kept-0.1.zip` holds two studies with their own prompts and criteria, the replies and cells that the version
before the rooms kept of them, and its answers. One of the models is hosted; nothing listens at its address.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.support.commands import ROOT, CommandLine

QUESTION = "query=When does the Board accept a slur?"


@pytest.mark.parametrize(
    ("lost", "flow", "arguments"),
    [
        ("replies", "osb", [QUESTION]),
        ("cells", "tox", []),
        pytest.param("cells", "osb", [QUESTION], marks=pytest.mark.slow),
        pytest.param("replies", "tox", [], marks=pytest.mark.slow),
    ],
)
def test_results_kept_by_an_earlier_version_are_not_paid_for_again(
    cli_with_server: CommandLine, tmp_path: Path, lost: str, flow: str, arguments: list[str]
) -> None:
    shutil.unpack_archive(ROOT / "tests" / "data" / "kept-0.1.zip", tmp_path / "kept")
    # Without the replies, every cell must be found under its key; without the cells, every reply.
    shutil.rmtree(tmp_path / "kept" / "results" / lost)
    expected = json.loads((tmp_path / "kept" / "expected.json").read_text(encoding="utf-8"))[flow]
    settings = ["--config-dir", str(tmp_path / "kept" / "study"), "llms=kept", f"run.results={tmp_path}/kept/results"]
    done = cli_with_server.run(f"flows.{flow}", *settings, *arguments, "--json")
    assert done.exit_code == 0, done.transcript
    shown = json.loads(done.stdout)
    assert shown["calls"] == {"paid": 0, "kept": expected["kept"]}
    assert shown["cells"] == expected["cells"]
    assert [one["result"] for one in shown["results"]] == expected["results"]
