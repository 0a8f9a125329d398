"""Questions to the shipped corpus: found, answered with the right decision, or declined.

`development` questions set the constants of the decision rule, together with other corpora (see
tests/benchmarks/test_abstention.py); `held out` and `later` ones only check it. Many of the later ones use other words
than the summaries do. An earlier rule had to answer 85% of them, and did. But on full decisions it also answered all
that these do not say (0 of 7 declined). Today's rule declines 34 of 36 there, at the price of later questions: it
answered 18 of 26, and 21 since it knows other forms of a word. README gives the figures of all corpora.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import pytest_asyncio

from agents.llms.embedded.model import Embedded
from contract.findings import Passage, ResearchDraft
from contract.storage import VectorStorage
from flows.corpus.index import CorpusIndex, open_corpus
from tests.agents.llms.embedded.requests import research
from tests.support.commands import ROOT
from tests.support.shipped import osb_storage

QUESTIONS: list[dict[str, Any]] = [
    json.loads(line)
    for line in (ROOT / "tests" / "data" / "osb_questions.jsonl").read_text(encoding="utf-8").splitlines()
]


Asked: TypeAlias = list[tuple[dict[str, Any], list[Passage], ResearchDraft]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def asked(osb_index: CorpusIndex, model: Embedded) -> Asked:
    found: Asked = []
    for item in QUESTIONS:
        passages = await osb_index.search([item["question"]], 12)
        found.append((item, passages, await research(model, item["question"], passages)))
    return found


def test_the_right_decision_is_among_the_first_five(asked: Asked) -> None:
    hits = [
        bool({passage.record_id for passage in passages[:5]} & set(item["decisions"]))
        for item, passages, _ in asked
        if item["decisions"]
    ]
    assert sum(hits) / len(hits) >= 0.95


@pytest.mark.parametrize(
    ("part", "answered", "declined"), [("development", 1.0, 1.0), ("held out", 0.95, 1.0), ("later", 21 / 26, 24 / 27)]
)
def test_answers_and_abstentions(asked: Asked, part: str, answered: float, declined: float) -> None:
    for kind, share in (("answerable", answered), ("unanswerable", declined)):
        right = [
            draft.answerable == (kind == "answerable")
            for item, _, draft in asked
            if (item["part"], item["kind"]) == (part, kind)
        ]
        assert sum(right) >= share * len(right)


def test_answers_cite_the_right_decision(asked: Asked) -> None:
    right = [
        bool(
            {passages[int(q.passage[1:]) - 1].record_id for claim in draft.claims for q in claim.quotes}
            & set(item["decisions"])
        )
        for item, passages, draft in asked
        if item["decisions"]
    ]
    assert sum(right) / len(right) >= 0.95


@pytest.mark.slow
async def test_a_vector_collection_finds_what_the_exact_index_finds(osb_index: CorpusIndex, tmp_path: Path) -> None:
    config = VectorStorage.model_validate(osb_storage(type="vector", path=str(tmp_path)))
    collection = open_corpus(config, tmp_path / "cache")
    assert collection.fingerprint == osb_index.fingerprint
    hits, alike = list[bool](), list[float]()
    for item in (item for item in QUESTIONS if item["decisions"]):
        found = await collection.search([item["question"]], 12)
        exact = await osb_index.search([item["question"]], 12)
        hits.append(bool({passage.record_id for passage in found[:5]} & set(item["decisions"])))
        alike.append(len({p.passage_id for p in found} & {p.passage_id for p in exact}) / len(exact))
    assert sum(hits) / len(hits) >= 0.95
    # Their ways to count words differ in what they take for a document's length, and the second passages of documents
    # with them.
    assert sum(alike) / len(alike) >= 0.85
