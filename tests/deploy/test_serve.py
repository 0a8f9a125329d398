"""`python -m flows serve`: what it refuses before anything is served. test_deployed.py tests that it serves."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.commands import CommandLine

MISTAKES = {
    "a flow that there is not": (("+flows=[osb,osv]",), 2, "did you mean 'osb'?"),
    "a question, which belongs to a run": (("query=Why?",), 2, "a flow gets its other settings when a run is started"),
    "no server": (("+flows=[osb]",), 3, "no Prefect server answers at http://127.0.0.1:9/api"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_reported_plainly_and_nothing_is_served(tmp_path: Path, name: str) -> None:
    arguments, code, message = MISTAKES[name]
    done = CommandLine(tmp_path).run("flows", "serve", *arguments)
    assert done.exit_code == code and message in done.stderr and "Traceback" not in done.stderr, done.transcript


def test_a_server_that_does_not_answer_is_named(tmp_path: Path) -> None:
    done = CommandLine(tmp_path, {"PREFECT_API_URL": "http://127.0.0.1:9/api"}).run("flows", "serve", "+flows=[osb]")
    assert done.exit_code == 3 and "http://127.0.0.1:9/api" in done.stderr and "Traceback" not in done.stderr, (
        done.transcript
    )
