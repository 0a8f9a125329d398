"""The corpus index: built incrementally, finished after a kill, safe for any question."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contract.errors import StorageError
from contract.storage import CorpusStorage, FileStorage
from flows.corpus.index import CorpusIndex, open_corpus
from tests.corpus.fake_embedders import CountingEmbedder, check_embeds_only_changes, make_records, open_counting
from tests.support.commands import ROOT


def _corpus(path: Path, rows: list[dict[str, Any]], **settings: object) -> CorpusStorage:
    path.write_text("\n".join(json.dumps(row) for row in rows))
    return CorpusStorage.model_validate({"source": FileStorage(path=path), "label": "Test", **settings})


async def test_only_what_changed_is_embedded(tmp_path: Path) -> None:
    await check_embeds_only_changes(lambda rows: open_counting(_corpus(tmp_path / "a.jsonl", rows), tmp_path / "cache"))


def test_fingerprint_depends_on_chunking_and_embedder(tmp_path: Path) -> None:
    source, folder = tmp_path / "a.jsonl", tmp_path / "cache"
    fingerprints = {
        open_counting(_corpus(source, make_records(3)), folder)[0].fingerprint,
        open_counting(_corpus(source, make_records(3), chunk_characters=500), folder)[0].fingerprint,
        open_counting(_corpus(source, make_records(3)), folder, fingerprint="fake-2")[0].fingerprint,
    }
    assert len(fingerprints) == 3


def test_fingerprint_does_not_depend_on_place_or_order(tmp_path: Path) -> None:
    one, _ = open_counting(_corpus(tmp_path / "a.jsonl", make_records(5)), tmp_path / "cache")
    other, _ = open_counting(_corpus(tmp_path / "b.jsonl", make_records(5)[::-1]), tmp_path / "other")
    assert one.fingerprint == other.fingerprint


def test_an_unchanged_corpus_opens_in_a_fraction_of_the_time_that_it_took_to_build(tmp_path: Path) -> None:
    config = _corpus(tmp_path / "a.jsonl", make_records(2000))
    start = time.perf_counter()
    open_counting(config, tmp_path)
    built, start = time.perf_counter() - start, time.perf_counter()
    assert open_counting(config, tmp_path)[1] == 0
    opened = time.perf_counter() - start
    print(f"\nbuilt in {built:.2f} s, opened in {opened / built:.3f} of that")
    assert opened < built / 5


def test_touched_but_equal_source_is_not_indexed_again(tmp_path: Path) -> None:
    config = _corpus(tmp_path / "a.jsonl", make_records(10))
    first, _ = open_counting(config, tmp_path)
    os.utime(tmp_path / "a.jsonl", (1, 1))
    second, embedded = open_counting(config, tmp_path)
    assert (embedded, second.fingerprint) == (0, first.fingerprint)


def test_progress_reports_done_and_total(tmp_path: Path) -> None:
    reports: list[tuple[int, int | None]] = []
    config = _corpus(tmp_path / "a.jsonl", make_records(200))
    open_corpus(config, tmp_path, lambda done, total: reports.append((done, total)), CountingEmbedder())
    assert reports[-1] == (200, 200)
    assert len(reports) > 2


_OPEN_AND_DIE = """
import sys
from pathlib import Path
from typing import Any
from contract.storage import CorpusStorage
from flows.corpus.index import open_corpus
from tests.corpus.fake_embedders import CountingEmbedder
config = CorpusStorage.model_validate_json(sys.argv[1])
open_corpus(config, Path(sys.argv[2]), embedder=CountingEmbedder(kill_after=int(sys.argv[3])))
"""


def test_kill_in_the_middle_then_resume(tmp_path: Path) -> None:
    config = _corpus(tmp_path / "a.jsonl", make_records(1000))
    arguments = [sys.executable, "-c", _OPEN_AND_DIE, config.model_dump_json(), str(tmp_path / "cache")]
    killed = subprocess.run([*arguments, "500"], cwd=ROOT, check=False)
    assert killed.returncode == -signal.SIGKILL
    killed = subprocess.run([*arguments, "300"], cwd=ROOT, check=False)
    assert killed.returncode == -signal.SIGKILL
    index, embedded = open_counting(config, tmp_path / "cache")
    assert index.counts() == (1000, 1000)
    # 448 whole batches of 64 were kept of the first 500, 256 of the next 300.
    assert embedded == 1000 - 448 - 256
    assert index.fingerprint == open_counting(config, tmp_path / "fresh")[0].fingerprint


def _long_document(words: int, changed: str = "") -> list[dict[str, Any]]:
    text = " ".join(f"Number {number} is {changed if number == 40 else ''}odd." for number in range(words))
    return [{"id": "book", "title": "Long", "text": text}]


def test_kill_in_the_middle_of_a_long_document_then_resume(tmp_path: Path) -> None:
    config = _corpus(tmp_path / "a.jsonl", _long_document(9000), chunk_characters=400)
    arguments = [sys.executable, "-c", _OPEN_AND_DIE, config.model_dump_json(), str(tmp_path / "cache"), "200"]
    assert subprocess.run(arguments, cwd=ROOT, check=False).returncode == -signal.SIGKILL
    index, embedded = open_counting(config, tmp_path / "cache")
    assert embedded == index.counts()[1] - 192
    assert index.fingerprint == open_counting(config, tmp_path / "fresh")[0].fingerprint


def test_only_changed_passages_of_an_edited_document_are_embedded(tmp_path: Path) -> None:
    source, folder = tmp_path / "a.jsonl", tmp_path / "cache"
    open_counting(_corpus(source, _long_document(2000), overlap_characters=0), folder)
    index, embedded = open_counting(_corpus(source, _long_document(2000, "very "), overlap_characters=0), folder)
    assert 0 < embedded < index.counts()[1] / 2


def test_progress_may_stop_the_build(tmp_path: Path) -> None:
    class Enough(Exception):
        pass

    def stop(_done: int, _total: int | None) -> None:
        raise Enough

    config = _corpus(tmp_path / "a.jsonl", _long_document(9000))
    with pytest.raises(Enough):
        open_corpus(config, tmp_path, stop, CountingEmbedder())
    assert open_counting(config, tmp_path)[0].counts()[0] == 1


def test_a_build_killed_half_way_is_not_taken_for_the_old_content(tmp_path: Path) -> None:
    source, folder = tmp_path / "a.jsonl", tmp_path / "cache"
    before, _ = open_counting(_corpus(source, make_records(100)), folder)
    other = [{**row, "text": row["text"] + " And more."} for row in make_records(100)]
    arguments = [sys.executable, "-c", _OPEN_AND_DIE, _corpus(source, other).model_dump_json(), str(folder), "70"]
    assert subprocess.run(arguments, cwd=ROOT, check=False).returncode == -signal.SIGKILL
    after, embedded = open_counting(_corpus(source, make_records(100)), folder)
    assert after.fingerprint == before.fingerprint
    assert embedded == 64


def test_several_openers_at_once(tmp_path: Path) -> None:
    config = _corpus(tmp_path / "a.jsonl", make_records(300))
    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(partial(open_counting, config), [tmp_path / "cache"] * 4))
    assert sorted(embedded for _, embedded in opened) == [0, 0, 0, 300]
    assert len({index.fingerprint for index, _ in opened}) == 1


def test_rejects_are_kept(tmp_path: Path) -> None:
    config = _corpus(tmp_path / "a.jsonl", [*make_records(2), {"id": "r0", "text": "twice"}])
    assert "there before" in open_counting(config, tmp_path)[0].rejects()[0].reason


def test_a_broken_index_is_reported_in_plain_words(tmp_path: Path) -> None:
    config = _corpus(tmp_path / "a.jsonl", make_records(2))
    path = Path(open_counting(config, tmp_path)[0].location)
    path.with_name(path.name + "-wal").unlink(missing_ok=True)
    path.write_bytes(b"no database" * 1000)
    with pytest.raises(StorageError, match="delete it"):
        open_counting(config, tmp_path)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> CorpusIndex:
    folder = tmp_path_factory.mktemp("index")
    return open_counting(_corpus(folder / "a.jsonl", make_records(50)), folder)[0]


@pytest.mark.parametrize(
    "question",
    [
        'odd" OR title:"x',
        "NEAR(odd number)",
        "odd* AND NOT (number",
        "^odd - + : { } ' \" \\",
        "'; DROP TABLE passages; --",
        "odd\x00number",
        "the of and",
        "???",
        "ΩΔ 数 😀",
        "",
    ],
)
async def test_questions_are_never_syntax(index: CorpusIndex, question: str) -> None:
    found = await index.search([question], 5)
    assert len(found) <= 5
    assert index.counts() == (50, 50)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(question=st.text(st.characters(exclude_categories=["Cs"]), max_size=80))
async def test_no_question_fails(index: CorpusIndex, question: str) -> None:
    assert len(await index.search([question, "odd"], 3)) == 3


async def test_search_is_ordered_and_scored(index: CorpusIndex) -> None:
    found = await index.search(["Number 7 is odd", "Title 7"], 10)
    assert len(found) == 10
    assert found[0].record_id == "r7"
    scores = [passage.score for passage in found]
    assert scores == sorted(scores, reverse=True)
    assert all(-1 <= passage.similarity <= 1.001 for passage in found)
    assert found == await index.search(["Number 7 is odd", "Title 7"], 10)
    assert await index.search(["odd"], 0) == []


@pytest.mark.benchmark
async def test_thousands_of_long_documents(tmp_path: Path) -> None:
    words = [f"word{number}" for number in range(3000)]
    rows = [{"id": str(n), "text": " ".join(words[(n * 31 + k * k) % 3000] for k in range(2500))} for n in range(2000)]
    built, _ = open_counting(_corpus(tmp_path / "a.jsonl", rows), tmp_path)
    await built.search(["word1"], 12)
    start = time.perf_counter()
    for number in range(20):
        await built.search([f"word{number} and word{number + 1}"], 12)
    assert (time.perf_counter() - start) / 20 < 0.1
