"""Makes the archive of kept results anew: python -m tests.support.kept_results

Needed where a change of keys is meant: a new version of an agent, another schema, another fence. The study in the
archive stays as it is.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.support.commands import ROOT
from tests.support.fake_llm.server import FakeLLM

ARCHIVE = ROOT / "tests" / "data" / "kept-0.1.zip"
PORT = 47113
"""Where the study expects its hosted model."""
FLOWS: dict[str, list[str]] = {"osb": ["query=When does the Board accept a slur?"], "tox": []}


def make_archive() -> None:
    """Runs both flows of the archive's study, and keeps their results and answers beside it."""
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(folder) / "kept"
        shutil.unpack_archive(ARCHIVE, kept)
        shutil.rmtree(kept / "results")
        with FakeLLM(port=PORT):
            for flow, arguments in FLOWS.items():
                _run(kept, flow, arguments)
        expected = {flow: _expected(_run(kept, flow, arguments)) for flow, arguments in FLOWS.items()}
        (kept / "expected.json").write_text(json.dumps(expected, indent=1, ensure_ascii=False), encoding="utf-8")
        for left in ("results/spend", "results/locks", "results/alive", "runs"):
            shutil.rmtree(kept / left, ignore_errors=True)
        shutil.make_archive(str(ARCHIVE.with_suffix("")), "zip", kept)


def _run(kept: Path, flow: str, arguments: list[str]) -> dict[str, Any]:
    command = [
        sys.executable, "-m", f"flows.{flow}", "--config-dir", str(kept / "study"), "llms=kept",
        f"run.results={kept}/results", f"run.folder={kept}/runs", *arguments, "--json",
    ]  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, env={**os.environ}, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout)


def _expected(shown: dict[str, Any]) -> dict[str, Any]:
    if shown["calls"]["paid"]:
        raise SystemExit(f"{shown['calls']['paid']} calls were paid the second time")
    return {
        "results": [one["result"] for one in shown["results"]],
        "cells": shown["cells"],
        "kept": shown["calls"]["kept"],
    }


if __name__ == "__main__":
    make_archive()
