"""Questions to the shipped corpus: found, answered with the right decision, or declined.

`development` questions set the constants of the decision rule; `held out` and `later` ones only check it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from agents.llms.embedded.model import EmbeddedModel
from flows.storage.index import CorpusIndex
from tests.embedded.asking import research

QUESTIONS: list[dict[str, Any]] = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "data" / "osb_questions.jsonl").read_text(encoding="utf-8").splitlines()
]


async def test_the_right_decision_is_among_the_first_five(osb: CorpusIndex) -> None:
    asked = [item for item in QUESTIONS if item["decisions"]]
    found = 0
    for item in asked:
        passages = await osb.search([item["question"]], 12)
        found += bool({passage.record_id for passage in passages[:5]} & set(item["decisions"]))
    assert found / len(asked) >= 0.95


@pytest.mark.parametrize(
    ("part", "answered_share", "declined_share"),
    [("development", 1.0, 1.0), ("held out", 0.95, 1.0), ("later", 0.85, 0.85)],
)
async def test_answers_and_abstentions(
    osb: CorpusIndex, model: EmbeddedModel, part: str, answered_share: float, declined_share: float
) -> None:
    right: dict[str, list[bool]] = {"answerable": [], "unanswerable": []}
    for item in QUESTIONS:
        if item["part"] != part:
            continue
        passages = await osb.search([item["question"]], 12)
        draft = await research(model, item["question"], passages)
        right[item["kind"]].append(draft.answerable == (item["kind"] == "answerable"))
    assert sum(right["answerable"]) >= answered_share * len(right["answerable"])
    assert sum(right["unanswerable"]) >= declined_share * len(right["unanswerable"])


async def test_answers_cite_the_right_decision(osb: CorpusIndex, model: EmbeddedModel) -> None:
    asked = [item for item in QUESTIONS if item["decisions"]]
    right = 0
    for item in asked:
        passages = await osb.search([item["question"]], 12)
        draft = await research(model, item["question"], passages)
        cited = {passages[int(quote.passage[1:]) - 1].record_id for claim in draft.claims for quote in claim.quotes}
        right += bool(cited & set(item["decisions"]))
    assert right / len(asked) >= 0.95
