"""Posts judged by a real model on this machine, measured against people's answers. Run with:

BUTTERMILK_LOCAL_MODEL=model.gguf uv run --extra local pytest -m local_llm tests/e2e/test_local_judge.py -s

BUTTERMILK_POSTS may name another file of posts with `ground_truth.violating`, BUTTERMILK_SAMPLE how many of them.
"""

from __future__ import annotations

import csv
import json
import os

import pytest

from agents.llms.local import missing_extra
from tests.support.commands import CommandLine, run_folders

MODEL = os.environ.get("BUTTERMILK_LOCAL_MODEL")
POSTS = os.environ.get("BUTTERMILK_POSTS")
SAMPLE = int(os.environ.get("BUTTERMILK_SAMPLE", "8"))

pytestmark = [
    pytest.mark.local_llm,
    pytest.mark.timeout(7200),
    pytest.mark.skipif(not MODEL, reason="BUTTERMILK_LOCAL_MODEL names no GGUF file"),
    pytest.mark.skipif(missing_extra() is not None, reason=str(missing_extra())),
]


def test_a_real_model_judges_every_post_and_its_quotations_are_looked_up(cli_with_server: CommandLine) -> None:
    settings = ["llms=local", f"models.local.path={MODEL}", f"sample={SAMPLE}", "seed=1", "criteria=ordinary"]
    source = [f"records={POSTS}"] if POSTS else []
    # Enough tokens to end every grammar-bound reply of a model that does not stop by itself.
    command = cli_with_server.start(
        "flows.judger", *settings, *source, "+flows.judger.steps.judge.parameters.max_tokens=600"
    )
    done = command.wait(7000)
    assert done.exit_code in (0, 1), done.transcript
    folder = run_folders(cli_with_server, "judger")[-1]
    cells = [json.loads(line) for line in (folder / "answers.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(cells) == SAMPLE, done.transcript
    judged = [cell for cell in cells if cell["status"] == "completed"]
    quotes = [quote for cell in judged for reason in cell["value"]["reasons"] for quote in reason["quotes"]]
    found = sum(quote["status"] == "found" for quote in quotes)
    print(f"\n{SAMPLE} posts, {len(judged)} judged; {len(quotes)} quotations, {found} stand in their post")
    with (folder / "measures.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["kind"] == "truth" and not row["by"]:
                print(
                    f"  {row['measure']:<20}{row['value']:>8.6} [{row['low']:.6}, {row['high']:.6}] {row['undefined']}"
                )
    assert len(judged) >= SAMPLE * 0.9, done.transcript
    assert all(cell["value"]["quality"] == "full" for cell in judged)
