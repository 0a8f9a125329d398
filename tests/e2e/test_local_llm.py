"""Questions answered by a real model on this machine: what it writes is checked like anything else. Run with:

BUTTERMILK_LOCAL_MODEL=model.gguf uv run --extra local pytest -m local_llm tests/e2e -s

BUTTERMILK_QUESTIONS may name a JSONL file of other questions, with the question under `question`.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from agents.llms.local import missing_extra
from contract.record import Record
from contract.storage import FileStorage
from flows.storage.reader import read_source
from tests.support.commands import ROOT, CommandLine

MODEL = os.environ.get("BUTTERMILK_LOCAL_MODEL")
QUESTIONS = Path(os.environ.get("BUTTERMILK_QUESTIONS") or ROOT / "tests" / "data" / "osb_questions.jsonl")
FEW = 4
"""How many of the shipped questions are asked; of another file, all are."""

pytestmark = [
    pytest.mark.local_llm,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(not MODEL, reason="BUTTERMILK_LOCAL_MODEL names no GGUF file"),
    pytest.mark.skipif(missing_extra() is not None, reason=str(missing_extra())),
]


def questions() -> list[str]:
    lines = QUESTIONS.read_text(encoding="utf-8").splitlines()
    found: list[str] = [json.loads(line)["question"] for line in lines]
    return found if "BUTTERMILK_QUESTIONS" in os.environ else found[:FEW]


def sources() -> dict[str, Record]:
    found = read_source(FileStorage(path=ROOT / "conf" / "corpora" / "osb.jsonl"))
    return {record.record_id: record for record in found if isinstance(record, Record)}


def test_a_real_model_writes_the_answers_and_every_quotation_shown_is_verbatim(cli_with_server: CommandLine) -> None:
    records, answered, quotations, dropped = sources(), 0, 0, 0
    for question in questions():
        started = time.monotonic()
        answer = ask(cli_with_server, question)
        for claim in answer["claims"]:
            assert claim["citations"], claim
            for citation in claim["citations"]:
                text = records[citation["record_id"]].sections[citation["section"]]
                assert citation["quote"] in str(text)
        answered += not answer["abstained"]
        quotations += sum(len(claim["citations"]) for claim in answer["claims"])
        dropped += len(answer["dropped"])
        print(f"{time.monotonic() - started:5.0f} s  {question}")
        print("        ", [claim["text"] for claim in answer["claims"]] or answer["summary"])
    print(f"{answered} of {len(questions())} answered, {quotations} quotations verified, {dropped} claims dropped")
    assert answered


def ask(cli: CommandLine, question: str) -> dict[str, Any]:
    settings = ("llms=local", f"models.local.path={MODEL}", "limit=5", f"query={question}")
    done = cli.start("flows.osb", "--json", *settings).wait(seconds=1800)
    assert done.exit_code == 0, done.transcript
    answer = json.loads(done.stdout)["results"][0]["result"]
    assert answer["quality"] == "full"
    assert answer["models"] == ["local"]
    return answer
