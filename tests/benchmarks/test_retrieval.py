"""How often a search finds the right documents, beside BM25 alone and vectors alone; time and memory. Run with:

uv run pytest -m benchmark tests/benchmarks/test_retrieval.py -s

The constants of `flows/corpus/ranking.py` and `breadth.py` were chosen on every second question; the figures printed
are those of the others. BM25 is the library bm25s with stop words and stems of English; the vectors are MiniLM's. All
three rank passages, cut alike; a document stands where its first passage does. BUTTERMILK_DECISIONS may name
`decisions_enriched.csv`, from the repository in conf/corpora/README.md, for 128 full decisions.
"""

from __future__ import annotations

import json
import os
import resource
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, cast

import bm25s  # type: ignore[reportMissingTypeStubs]
import numpy as np
import pytest
import snowballstemmer  # type: ignore[reportMissingTypeStubs]

from agents.llms.minilm import MiniLM
from contract.findings import Passage
from contract.storage import CorpusStorage, FileStorage
from flows.corpus.build import chunking_of
from flows.corpus.chunk import chunk_record
from flows.corpus.index import CorpusIndex, open_corpus
from flows.storage.reader import read_source
from flows.storage.rows import Reject
from tests.benchmarks.test_abstention import full_document, lines, read_decisions
from tests.support.shipped import osb_storage

LIMIT = 12
"""As the shipped flow asks for."""
DECISIONS = os.environ.get("BUTTERMILK_DECISIONS")

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(7200)]

Ranking = Callable[[str], Sequence[str]]
"""A question -> the documents of the passages found, best first."""


async def test_shipped_summaries(tmp_path: Path) -> None:
    config = CorpusStorage.model_validate(osb_storage())
    await _compare("36 summaries", config, lines("osb_questions.jsonl"), tmp_path)


@pytest.mark.skipif(not DECISIONS, reason="BUTTERMILK_DECISIONS names no file of full decisions")
async def test_full_decisions(tmp_path: Path) -> None:
    records = [full_document(row) for row in read_decisions(Path(DECISIONS or ""))]
    source = tmp_path / "decisions.jsonl"
    source.write_text("".join(f"{json.dumps(record)}\n" for record in records), encoding="utf-8")
    config = CorpusStorage(label="Decisions", source=FileStorage(path=source))
    await _compare(f"{len(records)} full decisions", config, lines("osb_decision_questions.jsonl"), tmp_path)


async def _compare(name: str, config: CorpusStorage, questions: Sequence[dict[str, Any]], folder: Path) -> None:
    passages = _passages(config)
    model = MiniLM()
    start, cpu = time.perf_counter(), time.process_time()
    vectors = model.embed([f"{passage.title}. {passage.text}" for passage in passages])
    raw = time.perf_counter() - start, time.process_time() - cpu
    start, cpu = time.perf_counter(), time.process_time()
    index = open_corpus(config, folder / "index")
    built = time.perf_counter() - start, time.process_time() - cpu
    asked = [item for item in questions if item["decisions"]][1::2]
    ours = {item["question"]: await _ours(index, item["question"]) for item in asked}
    rankings: dict[str, Ranking] = {
        "this": lambda question: ours[question],
        "BM25": _by_words(passages),
        "dense": lambda question: _documents(passages, vectors @ model.embed([question])[0]),
    }
    print(f"\n{name}, {len(passages)} passages, {len(asked)} questions that nothing was tuned on")
    for way, ranking in rankings.items():
        print(f"  {way:6} {_figures(asked, ranking)}")
    print(f"  raw embedding {raw[0]:.1f} s ({raw[1]:.1f} s of processors), index {built[0]:.1f} s ({built[1]:.1f})")
    print(f"  a question: {await _seconds_beyond_embedding(index, model, asked):.3f} s beyond its embedding")
    print(f"  largest memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


def _passages(config: CorpusStorage) -> list[Passage]:
    records = (one for one in read_source(config.source) if not isinstance(one, Reject))
    return [passage for record in records for passage in chunk_record(record, chunking_of(config))]


async def _ours(index: CorpusIndex, question: str) -> list[str]:
    return [passage.record_id for passage in await index.search([question], LIMIT)]


def _by_words(passages: Sequence[Passage]) -> Ranking:
    library, stemmer = cast("Any", bm25s), cast("Any", snowballstemmer).stemmer("english")
    searcher = library.BM25()

    def tokens(texts: list[str]) -> Any:
        return library.tokenize(texts, stopwords="en", stemmer=stemmer.stemWords, return_ids=False, show_progress=False)

    searcher.index(tokens([f"{passage.title} {passage.text}" for passage in passages]), show_progress=False)
    return lambda question: _documents(passages, searcher.get_scores(tokens([question])[0]))


def _documents(passages: Sequence[Passage], scores: Any) -> list[str]:
    """The documents of the best passages, as many as a search of ours gives."""
    places: list[int] = np.argsort(-scores, kind="stable")[:LIMIT].tolist()
    return [passages[place].record_id for place in places]


def _figures(asked: Iterable[dict[str, Any]], ranking: Ranking) -> str:
    recalls, reciprocals, counts = list[float](), list[float](), list[int]()
    for item in asked:
        documents, right = list(dict.fromkeys(ranking(item["question"]))), set(item["decisions"])
        recalls.append(len(right & set(documents[:5])) / len(right))
        reciprocals.append(next((1 / place for place, one in enumerate(documents, 1) if one in right), 0.0))
        counts.append(len(documents))
    return (
        f"recall@5 {np.mean(recalls):.3f}, MRR {np.mean(reciprocals):.3f}, {np.mean(counts):.1f} documents in {LIMIT} "
        "passages"
    )


async def _seconds_beyond_embedding(index: CorpusIndex, model: MiniLM, asked: Sequence[dict[str, Any]]) -> float:
    """The mean time of a search, without that of embedding its question."""
    start = time.perf_counter()
    for item in asked:
        await _ours(index, item["question"])
    searched = time.perf_counter() - start
    start = time.perf_counter()
    for item in asked:
        model.embed([item["question"]])
    return (searched - (time.perf_counter() - start)) / len(asked)
