"""The vector collection in LanceDB: the same behaviour as the SQLite index."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import flows.check.sources
import flows.storage.values
from contract.errors import StorageError
from contract.storage import CorpusStorage, FileStorage, SearchableStorage, VectorStorage
from flows.corpus.index import open_corpus
from tests.cloud.google_service import unused_address
from tests.cloud.object_store import object_service
from tests.compose.tiny_study import compose_study, problems_of, write_study
from tests.corpus.fake_embedders import CountingEmbedder, check_embeds_only_changes, make_records, open_counting
from tests.support.commands import ROOT
from tests.support.own_config import use_own_config


def _collection(folder: Path, rows: list[dict[str, Any]], **settings: object) -> VectorStorage:
    source = folder / "a.jsonl"
    source.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    data = {"source": FileStorage(path=source), "label": "Test", "path": str(folder / "collections"), **settings}
    return VectorStorage.model_validate(data)


async def test_only_what_changed_is_embedded(tmp_path: Path) -> None:
    await check_embeds_only_changes(lambda rows: open_counting(_collection(tmp_path, rows), tmp_path))


async def test_an_open_index_keeps_searching_the_collection_as_it_was(tmp_path: Path) -> None:
    before, _ = open_counting(_collection(tmp_path, make_records(20)), tmp_path)
    open_counting(_collection(tmp_path, make_records(10)), tmp_path)
    assert {passage.record_id for passage in await before.search(["odd"], 20)} == {f"r{n}" for n in range(20)}


async def test_passages_are_those_of_the_sqlite_index(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"id": 'o\'b "x"; --', "text": "Zebras graze.", "date": "2021-01-02", "uri": "https://x.org/a", "by": ["A"]},
        {"id": "book", "title": "Long", "text": " ".join(f"Number {n} is odd." for n in range(400))},
        *make_records(5),
    ]
    config = _collection(tmp_path, rows, chunk_characters=300)
    shared = config.model_dump(include=set(SearchableStorage.model_fields))
    exact = open_corpus(CorpusStorage.model_validate(shared), tmp_path / "cache", embedder=CountingEmbedder())
    index, _ = open_counting(config, tmp_path / "cache")
    assert index.fingerprint == exact.fingerprint
    assert index.counts() == exact.counts()
    assert await index.sources() == await exact.sources()
    scoreless = {"score": 0.0, "similarity": 0.0}
    kept = [
        {passage.passage_id: passage.model_copy(update=scoreless) for passage in await one.search(["odd zebras"], 500)}
        for one in (index, exact)
    ]
    assert len(kept[0]) == index.counts()[1] and kept[0] == kept[1]
    [odd] = await index.search(['"zebras graze"'], 1)
    assert (odd.record_id, odd.metadata["by"]) == ('o\'b "x"; --', ("A",))
    [by_exact] = await exact.search(['"zebras graze"'], 1)
    assert odd.similarity == pytest.approx(by_exact.similarity, abs=1e-5)


_OPEN_AND_DIE = """
import sys
from pathlib import Path
from contract.storage import VectorStorage
from flows.corpus.index import open_corpus
from tests.corpus.fake_embedders import CountingEmbedder
config = VectorStorage.model_validate_json(sys.argv[1])
open_corpus(config, Path(sys.argv[2]), embedder=CountingEmbedder(kill_after=int(sys.argv[3])))
"""


def _kill_after(texts: int, config: VectorStorage, folder: Path) -> None:
    command = [sys.executable, "-c", _OPEN_AND_DIE, config.model_dump_json(), str(folder), str(texts)]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == -signal.SIGKILL


def test_kill_in_the_middle_then_resume(tmp_path: Path) -> None:
    config = _collection(tmp_path, make_records(1000))
    _kill_after(500, config, tmp_path)
    index, embedded = open_counting(config, tmp_path)
    assert index.counts() == (1000, 1000)
    # Records are written 256 at a time.
    assert embedded == 1000 - 256
    other = config.model_copy(update={"path": str(tmp_path / "fresh")})
    assert index.fingerprint == open_counting(other, tmp_path / "fresh")[0].fingerprint


def test_kill_in_the_middle_of_a_long_document_then_resume(tmp_path: Path) -> None:
    text = " ".join(f"Number {number} is odd." for number in range(40_000))
    config = _collection(tmp_path, [{"id": "book", "text": text}], chunk_characters=400)
    _kill_after(1500, config, tmp_path)
    index, embedded = open_counting(config, tmp_path)
    assert embedded == index.counts()[1] - 1024


def test_several_openers_at_once(tmp_path: Path) -> None:
    config = _collection(tmp_path, make_records(300))
    with ThreadPoolExecutor(3) as pool:
        opened = list(pool.map(partial(open_counting, config), [tmp_path] * 3))
    assert {index.counts() for index, _ in opened} == {(300, 300)}
    assert len({index.fingerprint for index, _ in opened}) == 1


async def test_another_machine_finds_the_collection_built(tmp_path: Path) -> None:
    config = _collection(tmp_path, make_records(30))
    open_counting(config, tmp_path / "one")
    index, embedded = open_counting(config, tmp_path / "other")
    assert embedded == 0
    assert (await index.search(["Number 7"], 1))[0].record_id == "r7"


async def test_a_collection_in_a_bucket_is_used_by_every_machine(tmp_path: Path) -> None:
    with object_service() as objects:
        settings = {"path": "gs://any-bucket/collections", "endpoint": objects.url}
        rows = make_records(40)
        first, embedded = open_counting(_collection(tmp_path, rows, **settings), tmp_path / "one")
        assert embedded == 40
        assert all(name.startswith("any-bucket/collections/test-") for name in objects.objects)
        second, embedded = open_counting(_collection(tmp_path, rows, **settings), tmp_path / "other")
        assert (embedded, second.fingerprint) == (0, first.fingerprint)
        changed = [*rows[1:], {"id": "new", "text": "A newcomer among zebras."}]
        third, embedded = open_counting(_collection(tmp_path, changed, **settings), tmp_path / "one")
        assert (embedded, third.counts()) == (1, (40, 40))
        assert (await third.search(["zebras"], 1))[0].record_id == "new"
        assert "r0" not in {passage.record_id for passage in await third.search(["odd"], 40)}


def test_a_bucket_that_cannot_be_reached_is_reported_in_plain_words(tmp_path: Path) -> None:
    config = _collection(tmp_path, make_records(2), path="gs://any-bucket/x", endpoint=unused_address())
    with pytest.raises(StorageError, match=r"the collection gs://any-bucket/x/test-\w+ cannot be used: "):
        open_counting(config, tmp_path)


async def test_many_passages_are_searched_by_an_approximate_index(tmp_path: Path) -> None:
    rows = [{"id": f"r{n}", "text": f"w{n} w{n * 7 % 901} w{n * 13 % 677}"} for n in range(900)]
    index, _ = open_counting(_collection(tmp_path, rows, exact_below=256), tmp_path)
    asked = rows[::45]
    hits = [(await index.search([row["text"]], 5))[0].record_id == row["id"] for row in asked]
    assert sum(hits) >= 18


def test_rejects_are_kept(tmp_path: Path) -> None:
    config = _collection(tmp_path, [*make_records(2), {"id": "r0", "text": "twice"}])
    assert "there before" in open_counting(config, tmp_path)[0].rejects()[0].reason


def test_a_broken_collection_is_reported_in_plain_words(tmp_path: Path) -> None:
    config = _collection(tmp_path, make_records(20))
    open_counting(config, tmp_path)
    for path in (tmp_path / "collections").rglob("*.manifest"):
        path.write_bytes(b"nothing")
    with pytest.raises(StorageError, match=r"the collection .* cannot be used"):
        open_counting(config, tmp_path)


@pytest.mark.parametrize(
    "question",
    [
        'odd" OR title:"x',
        "odd* AND NOT (number",
        "'; DROP TABLE passages; --",
        "odd\x00number",
        "the of",
        "???",
        "数 😀",
    ],
)
async def test_questions_are_never_syntax(tmp_path: Path, question: str) -> None:
    index, _ = open_counting(_collection(tmp_path, make_records(8)), tmp_path)
    assert len(await index.search([question], 5)) <= 5
    assert index.counts() == (8, 8)


async def test_a_search_in_a_corpus_without_passages_finds_nothing(tmp_path: Path) -> None:
    index, _ = open_counting(_collection(tmp_path, make_records(2), sections=["summary"]), tmp_path)
    assert index.counts() == (2, 0)
    assert await index.search(["odd"], 5) == []


def _not_found(_name: str) -> None:
    """No package is found."""


def _absent(_name: str) -> Any:
    raise ImportError("No module named 'lancedb'")


def test_without_lancedb_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flows.storage.values, "import_module", _absent)
    with pytest.raises(StorageError, match=r"needs the library lancedb: install buttermilk\[vector\]"):
        open_counting(_collection(tmp_path, make_records(2)), tmp_path)


STORAGE = """\
papers:
  type: vector
  label: Papers
  path: collections
  source:
    path: papers.jsonl
"""


def test_a_study_composes_with_a_collection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_own_config(monkeypatch, tmp_path / "user", allowed={"places": ["gs://my-bucket"]})
    [study] = compose_study(write_study(tmp_path, {"storage/papers.yaml": STORAGE}))
    storage = study.storage["papers"]
    assert isinstance(storage, VectorStorage)
    assert storage.path == str(tmp_path / "collections")
    write_study(tmp_path, {"storage/papers.yaml": STORAGE.replace("collections", "gs://my-bucket/collections")})
    [study] = compose_study(tmp_path)
    assert study.storage["papers"].model_dump()["path"] == "gs://my-bucket/collections"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("  path: collections\n", "  pth: collections\n", "storage/papers.yaml:4: 'papers' has no field 'pth'"),
        ("  path: collections\n", "", "storage/papers.yaml:1: 'papers' lacks `path`"),
        ("vector", "vectr", "storage/papers.yaml:2: `type` is 'vectr'; did you mean 'vector'?"),
        ("    path: papers.jsonl", "    path: paper.jsonl", "storage/papers.yaml:6: the source of 'papers'"),
        ("    path: papers", "    pth: papers", "storage/papers.yaml:6: 'source' has no field 'pth'"),
        ("label: Papers", "exact_below: 5\n  label: Papers", "storage/papers.yaml:3: `exact_below` is 5, but"),
    ],
)
def test_mistakes_are_reported_with_their_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    folder = write_study(tmp_path, {"storage/papers.yaml": STORAGE.replace(old, new)})
    assert any(message in str(problem) for problem in problems_of(folder)), [str(one) for one in problems_of(folder)]


def test_a_study_without_lancedb_names_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flows.check.sources, "find_spec", _not_found)
    [problem] = problems_of(write_study(tmp_path, {"storage/papers.yaml": STORAGE}))
    assert "storage/papers.yaml:2" in str(problem) and "uv sync --extra vector" in str(problem)
