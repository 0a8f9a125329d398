"""Folders of a study that the user may not read: nothing in them counts as missing, and no exception gets through."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.commands import CommandLine, write_files

FILES = {
    "flows/tiny.yaml": 'records: posts\nsteps: {ask: {agent: llm, parameters: {model: mine, template: "user:\\nA"}}}\n',
    "storage/posts.yaml": "posts: {type: file, path: posts.jsonl}\n",
    "models/mine.yaml": "mine: {kind: embedded}\n",
    "posts.jsonl": '{"record_id": "a", "text": "A post."}\n',
}


def _without_privileges() -> list[str]:
    """What stands before a command so that permissions of files hold for it: root may read everything otherwise."""
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("root may read everything, and there is no setpriv")
    return ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]


@pytest.mark.parametrize("verb", ["check", "list"])
@pytest.mark.parametrize("closed", [".", "models", "prompts"])
def test_a_folder_that_may_not_be_read_is_named(tmp_path: Path, verb: str, closed: str) -> None:
    cli = CommandLine(tmp_path)
    study = write_files(cli.working_folder / "study", FILES)
    (study / "prompts").mkdir()
    words = ["check", "+flows=tiny"] if verb == "check" else ["list"]
    command = [*_without_privileges(), sys.executable, "-m", "flows", *words, "--config-dir", "study"]
    (study / closed).chmod(0)
    try:
        done = subprocess.run(
            command, cwd=cli.working_folder, env=cli.environment(), text=True, capture_output=True, check=False
        )
    finally:
        (study / closed).chmod(0o755)
    named = "study" if closed == "." else f"study/{closed}"
    assert done.returncode == 2 and "Traceback" not in done.stderr, done.stderr
    assert f"you have no permission to read the folder {named}; give yourself this permission" in done.stderr
