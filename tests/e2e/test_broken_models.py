"""Models that cannot answer: a plain message, a failed row, and no false conclusion about the corpus."""

from __future__ import annotations

import csv
from collections import Counter

import pytest

from flows.server.private_server import free_port
from tests.support.commands import CommandLine, CompletedCommand, run_folders

pytestmark = pytest.mark.usefixtures("prebuilt_index")

QUESTION = "query=When does the Board accept a slur in political speech?"


def _ask(cli: CommandLine, researchers: str) -> CompletedCommand:
    models = cli.working_folder / "study" / "models"
    models.mkdir(parents=True)
    models.joinpath("dead.yaml").write_text(
        "dead:\n  kind: hosted\n  provider: openai-compatible\n  model_id: none\n"
        f"  base_url: http://127.0.0.1:{free_port()}/v1\n"
    )
    arguments = [
        "--config-dir",
        "study",
        f"llms.researchers={researchers}",
        "run.retries=1",
        "run.retry_delay_seconds=0",
    ]
    return cli.run("flows.osb", QUESTION, *arguments)


def _research(cli: CommandLine) -> Counter[str]:
    with (run_folders(cli, "osb")[-1] / "cells.csv").open(encoding="utf-8", newline="") as file:
        return Counter(row["status"] for row in csv.DictReader(file) if row["step"] == "research")


@pytest.mark.slow
def test_when_no_model_answers_nothing_is_concluded_about_the_corpus(cli_with_server: CommandLine) -> None:
    done = _ask(cli_with_server, "[dead]")
    assert done.exit_code == 1 and "Traceback" not in done.stderr, done.transcript
    assert "cannot be reached; check the network" in done.stderr.replace("\n", " ")
    assert "trying again: " in done.stderr
    assert "no model gave an answer" in done.stderr.replace("\n", " ")
    assert "does not say" not in done.stdout
    assert _research(cli_with_server) == {"failed": 1}, "a further round would find no model either"


@pytest.mark.parametrize("researchers", ["[dead,demo]", pytest.param("[demo,dead]", marks=pytest.mark.slow)])
def test_one_of_two_models_answers_and_the_other_is_a_hole(cli_with_server: CommandLine, researchers: str) -> None:
    done = _ask(cli_with_server, researchers)
    assert done.exit_code == 1 and "“" in done.stdout, done.transcript
    assert _research(cli_with_server)["failed"] >= 1 <= _research(cli_with_server)["completed"]
