"""What the embedded model answers, declines and contradicts, on corpora of several shapes. Run with:

uv run pytest -m benchmark tests/benchmarks/test_abstention.py -s

Form and constants of `agents/llms/embedded/relevance.py` were chosen on the development questions to the shipped
summaries, on half of them joined by six, on half of the full decisions, on questions to encyclopaedia articles, and on
short posts. Here the shipped summaries get the other questions, and BUTTERMILK_DECISIONS may name
`decisions_enriched.csv`, from the repository in conf/corpora/README.md: 128 full decisions, asked as they are and cut
into short documents. Half of the decisions and some of the unanswerable questions had been seen when the rule was
chosen. README gives what was measured; with full decisions it takes half an hour.
"""

from __future__ import annotations

import csv
import json
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from agents.evidence.labels import answer_from_draft
from agents.llms.embedded.model import Embedded
from contract import models
from contract.findings import CitedAnswer, ResearchDraft
from contract.storage import CorpusStorage, FileStorage
from flows.corpus.index import CorpusIndex, open_corpus
from tests.agents.agent_calls import ask_agent, plain_value, replying_with
from tests.agents.llms.embedded.requests import ask, research_material
from tests.support.abstention import Asked, figures, figures_text
from tests.support.commands import ROOT

DATA = ROOT / "tests" / "data"
DECISIONS = os.environ.get("BUTTERMILK_DECISIONS")
SHORT_DOCUMENT, SHORT_DOCUMENTS_EACH = 220, 24
"""Least characters of a short document, and how many are cut from a decision: about 2,700 together."""
PREMISES = {
    "overturned": "Why did the Board uphold Meta's decision on the case '{}'?",
    "upheld": "Why did the Board overturn Meta's decision on the case '{}'?",
}

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(3600)]


async def answers(index: CorpusIndex, asked: Sequence[Asked]) -> list[tuple[Asked, CitedAnswer]]:
    """What the shipped flow's agents answer after one search."""
    model, found = Embedded("demo", models.EmbeddedModel()), list[tuple[Asked, CitedAnswer]]()
    for one in asked:
        passages = await index.search([one.question], 12)
        reply = await ask(model, "ResearchDraft", research_material(one.question, passages))
        draft = ResearchDraft.model_validate_json(reply.text)
        answer = answer_from_draft(draft, one.question, passages, reply, "demo")
        given = {
            "question": one.question,
            "answers": [answer.model_dump(mode="json")],
            "passages": [passage.model_dump(mode="json") for passage in passages],
        }
        output = plain_value(await ask_agent("answer", replying_with(), given))
        found.append((one, CitedAnswer.model_validate(output)))
    return found


def lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DATA / name).read_text(encoding="utf-8").splitlines()]


async def test_shipped_summaries(osb_index: CorpusIndex) -> None:
    asked = [
        Asked(item["question"], item["kind"], tuple(item["decisions"]))
        for item in lines("osb_questions.jsonl")
        if item["part"] != "development"
    ]
    print(f"\n36 summaries: {figures_text(figures(await answers(osb_index, asked)))}")


async def test_wrong_names_and_years(osb_index: CorpusIndex) -> None:
    """Questions to the shipped summaries with a year, platform, country or body that is not theirs, and true ones."""
    items = lines("osb_premises.jsonl")
    for part in ("seen", "held out"):
        asked = [
            Asked(
                item["question"],
                "false premise" if "false" in item else "answerable",
                tuple(item.get("decisions", ())),
                re.escape(item.get("false", "")),
            )
            for item in items
            if item["part"] == part
        ]
        print(f"\nwrong names and years, {part}: {figures_text(figures(await answers(osb_index, asked)))}")


@pytest.mark.skipif(not DECISIONS, reason="BUTTERMILK_DECISIONS names no file of full decisions")
@pytest.mark.parametrize("shape", ["full", "short"])
async def test_full_decisions(shape: str, tmp_path: Path) -> None:
    rows = read_decisions(Path(DECISIONS or ""))
    records = [
        record for row in rows for record in (short_documents(row) if shape == "short" else [full_document(row)])
    ]
    source = tmp_path / "decisions.jsonl"
    source.write_text("".join(f"{json.dumps(record)}\n" for record in records), encoding="utf-8")
    config = CorpusStorage(type="corpus", label="Decisions", source=FileStorage(path=source))
    index = open_corpus(config, tmp_path / "index")

    def records_of(name: str) -> tuple[str, ...]:
        return tuple(f"{name}.{part}" for part in range(SHORT_DOCUMENTS_EACH)) if shape == "short" else (name,)

    asked = [
        Asked(
            item["question"],
            "answerable" if item["decisions"] else "unanswerable",
            tuple(part for name in item["decisions"] for part in records_of(name)),
        )
        for item in lines("osb_decision_questions.jsonl")
    ]
    if shape == "full":
        asked += false_premises(rows)
    print(f"\n{len(records)} documents: {figures_text(figures(await answers(index, asked)))}")


def read_decisions(path: Path) -> list[dict[str, str]]:
    csv.field_size_limit(sys.maxsize)
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [row for row in csv.DictReader(file) if row["body"]]


def full_document(row: dict[str, str]) -> dict[str, str]:
    return {"record_id": row["slug"], "title": row["title"], "text": row["body"]}


def short_documents(row: dict[str, str]) -> list[dict[str, str]]:
    """The first sentences of a decision, a few in each document, without a title."""
    found, text = list[str](), ""
    paragraphs = [line.strip() for line in row["body"].splitlines() if len(line.strip()) > 60]
    for sentence in (part for line in paragraphs for part in re.split(r"(?<=[.!?])\s+", line)):
        text += f"{sentence} "
        if len(text) > SHORT_DOCUMENT:
            found.append(text.strip())
            text = ""
    return [
        {"record_id": f"{row['slug']}.{number}", "text": text}
        for number, text in enumerate(found[:SHORT_DOCUMENTS_EACH])
    ]


def false_premises(rows: Sequence[dict[str, str]]) -> list[Asked]:
    """One for every eighth decision with an outcome."""
    decided = [row for row in rows if row["outcome"].lower() in PREMISES][::8]
    return [
        Asked(
            PREMISES[row["outcome"].lower()].format(row["title"].replace("'", "’")),
            "false premise",
            opposite="overturn" if row["outcome"].lower() == "overturned" else "uph[eo]ld",
        )
        for row in decided
    ]
