"""Results have breadth: one long document leaves places to others, and its further passages only give context."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from contract.storage import CorpusStorage, FileStorage, VectorStorage
from flows.corpus.index import CorpusIndex
from tests.corpus.fake_embedders import open_counting

LIMIT = 12


def _open(folder: Path, rows: list[dict[str, Any]], kind: str = "corpus") -> CorpusIndex:
    (folder / "a.jsonl").write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    other = {"path": str(folder / "collection")} if kind == "vector" else {}
    settings = {"type": kind, "source": FileStorage(path=folder / "a.jsonl"), "label": "Test", "chunk_characters": 200}
    config = (VectorStorage if kind == "vector" else CorpusStorage).model_validate({**settings, **other})
    return open_counting(config, folder / "cache")[0]


def _long(name: str, sentences: int) -> dict[str, Any]:
    text = "\n\n".join(
        f"Chapter {n} of {name}: the council closed the ferry to the island. " * 2 for n in range(sentences)
    )
    return {"id": name, "title": name, "text": text}


@pytest.mark.parametrize("kind", ["corpus", "vector"])
async def test_a_long_document_leaves_places_to_others(kind: str, tmp_path: Path) -> None:
    others = [{"id": f"letter-{n}", "text": f"Letter {n}: the ferry was closed, wrote reader {n}."} for n in range(20)]
    found = await _open(tmp_path, [_long("book", 40), *others], kind).search(
        ["Why did the council close the ferry?"], LIMIT
    )
    places = Counter(passage.record_id for passage in found)
    assert len(found) == LIMIT and len(places) >= 8
    # Two places that it has won, and the last quarter as context.
    assert places.pop("book") <= 2 + LIMIT // 4
    assert set(places.values()) == {1}


async def test_context_comes_last_and_no_document_gives_way_to_it(tmp_path: Path) -> None:
    rows = [_long("book", 10), *(_long(f"paper {n}", 2) for n in range(7))]
    found = await _open(tmp_path, rows).search(["Why did the council close the ferry to the island?"], LIMIT)
    first = found[0].record_id
    of_first = [place for place, passage in enumerate(found) if passage.record_id == first]
    assert len({passage.record_id for passage in found}) >= 6
    assert len(of_first) <= 2 + LIMIT // 4


async def test_a_single_document_has_all_places(tmp_path: Path) -> None:
    found = await _open(tmp_path, [_long("book", 40)]).search(["Why was the ferry closed?"], LIMIT)
    assert len(found) == len({passage.passage_id for passage in found}) == LIMIT


async def test_documents_that_every_way_of_searching_ranks_come_first(tmp_path: Path) -> None:
    """A document counts by its own ranks too, so two good passages of one outweigh one good passage of another."""
    rows = [
        {"id": "both", "text": "The lighthouse burns.\n\n" + "x " * 110 + "\n\nKeepers of a lighthouse slept."},
        {"id": "words", "text": "Keepers, keepers and their keepers: lighthouse."},
        *({"id": f"n{n}", "text": f"Nothing of it, {n}."} for n in range(10)),
    ]
    first, *_ = await _open(tmp_path, rows).search(["lighthouse keepers slept"], 5)
    assert first.record_id == "both"
