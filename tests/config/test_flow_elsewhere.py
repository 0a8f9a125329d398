"""A flow that is not where the command looks for it: only the folder that the command names is spoken of."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.config.stray_words import flow_elsewhere
from tests.support.commands import write_files


def test_what_is_advised_is_in_the_folder_that_the_command_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_files(tmp_path, {"other/flows/mine.yaml": "", "own/flow/mine.yaml": "", "deep/flows/mine.yaml": ""})
    monkeypatch.chdir(tmp_path)
    assert "--config-dir deep +flows=mine" in str(flow_elsewhere("mine", [], None))
    own = flow_elsewhere("mine", [], Path("own"))
    assert own == "own/flow/mine.yaml is not where flows are looked for; move it to own/flows/mine.yaml"
    assert flow_elsewhere("mine", [], Path("deep/flows")) == "name the folder above: --config-dir deep"
    assert flow_elsewhere("mine", [], Path("empty")) is None
