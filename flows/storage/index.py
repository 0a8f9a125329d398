"""Index: a corpus that can be searched, in one SQLite file.

    index = open_corpus(config, folder)
    passages = await index.search(["When is a slur allowed?"], limit=12)

Each query is asked twice, of the words (FTS5, BM25) and of the meaning (the cosine with every passage's vector,
exact), and the ranked lists of all queries are fused by reciprocal rank. What a query gives to the letter, a quotation
or a case number, is asked for a third time as such.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from contract.base import digest
from contract.errors import StorageError
from contract.findings import Passage, Source
from contract.storage import CorpusStorage
from flows.storage.file import Reject
from flows.storage.index_build import Embedder, Progress, update
from flows.storage.index_store import SCHEMA_VERSION, IndexStore
from flows.storage.ranking import fts_exact_query, fts_query, fuse

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DEPTH = 100
"""How far down each ranked list counts; beyond it a passage's share of the fused score is below 1/160."""


def open_corpus(
    config: CorpusStorage, folder: Path, progress: Progress | None = None, embedder: Embedder | None = None
) -> CorpusIndex:
    """The corpus, its index in `folder` built or brought up to date first.

    Takes milliseconds when the source has not changed; after a kill it goes on where it stopped. `progress` is
    called with (passages done, passages in all). Raises StorageError when the source or the index cannot be used.
    """
    if embedder is None:
        from agents.llms.minilm import MiniLM

        embedder = MiniLM()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"the folder {folder} cannot be made: {error.strerror}") from None
    path = folder / _file_name(config, embedder)
    with closing(IndexStore(path)) as store:
        update(store, path, config, embedder, progress)
        return CorpusIndex(path, config, embedder, store.get("fingerprint") or "")


class CorpusIndex:
    """Implements `agents.given.Index`. Safe to share between threads and tasks."""

    def __init__(self, path: Path, config: CorpusStorage, embedder: Embedder, fingerprint: str) -> None:
        """`open_corpus` makes these."""
        self.path = path
        self.note = config.note
        """Where the data comes from and what it is not."""
        self._label = config.label
        self._fingerprint = fingerprint
        self._embedder = embedder
        self._loading = Lock()
        self._matrix: tuple[NDArray[np.int64], NDArray[np.float32]] | None = None

    @property
    def label(self) -> str:
        """What the corpus is called in answers."""
        return self._label

    @property
    def fingerprint(self) -> str:
        """Digest of content, chunking and embedding model."""
        return self._fingerprint

    async def search(self, queries: Sequence[str], limit: int) -> list[Passage]:
        """At most `limit` passages for the queries together, best first; none for queries without words."""
        return await asyncio.to_thread(self._search, [query for query in queries if query.strip()], limit)

    async def sources(self) -> list[Source]:
        """Every document of the corpus, in the order of the ids."""
        return await asyncio.to_thread(self._sources)

    def counts(self) -> tuple[int, int]:
        """How many records and passages are indexed."""
        with closing(IndexStore(self.path)) as store:
            return store.counts()

    def rejects(self) -> list[Reject]:
        """The rows of the source that could not be indexed, and why."""
        with closing(IndexStore(self.path)) as store:
            return store.rejects()

    def _sources(self) -> list[Source]:
        with closing(IndexStore(self.path)) as store:
            return store.sources()

    def _search(self, queries: list[str], limit: int) -> list[Passage]:

        if not queries or limit < 1:
            return []
        vectors = self._embedder.embed(queries)
        with closing(IndexStore(self.path)) as store:
            ids, matrix = self._load(store, vectors.shape[1])
            if not len(ids):
                return []
            cosines = vectors @ matrix.T
            asked = [fts for query in queries for fts in (fts_query(query), fts_exact_query(query)) if fts]
            by_words = [store.matching(fts, max(DEPTH, limit)) for fts in asked]
            by_meaning = [[int(ids[row]) for row in _top(line, max(DEPTH, limit))] for line in cosines]
            similarity = dict(zip(ids.tolist(), cosines.max(axis=0).tolist(), strict=True))
            scores = dict(fuse([*by_meaning, *by_words]))
            chosen = _with_siblings(list(scores), store, similarity, limit)
            found = [store.passage(item, scores.get(item, 0.0), similarity.get(item, 0.0)) for item in chosen]
            return [passage for passage in found if passage is not None]

    def _load(self, store: IndexStore, dimensions: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        with self._loading:
            if self._matrix is None:
                self._matrix = store.matrix(dimensions)
            return self._matrix


def _with_siblings(ranked: list[int], store: IndexStore, similarity: Mapping[int, float], limit: int) -> list[int]:
    """The first `limit` of `ranked`, their last quarter given up for further passages of the best document.

    The reasons of a decision seldom repeat the names that its facts introduce, so a search for the names alone does
    not find them.
    """
    first = ranked[:limit]
    if not first:
        return first
    further = [item for item in store.siblings(first[0]) if item not in first]
    further.sort(key=lambda item: -similarity.get(item, 0.0))
    kept = max(limit - len(further), limit - limit // 4)
    return [*first[:kept], *further[: limit - kept]]


def _top(cosines: NDArray[np.float32], count: int) -> NDArray[np.intp]:
    """Rows of the `count` highest values, highest first; equals in the order of rows."""
    import numpy as np

    if count < len(cosines):
        threshold = np.partition(cosines, len(cosines) - count)[len(cosines) - count]
        rows = np.flatnonzero(cosines >= threshold)
    else:
        rows = np.arange(len(cosines))
    return rows[np.argsort(-cosines[rows], kind="stable")][:count]


def _file_name(config: CorpusStorage, embedder: Embedder) -> str:
    source = [str(config.source.path.resolve()), dict(config.source.columns), config.source.encoding]
    chunking = [config.chunk_characters, config.overlap_characters, list(config.sections), config.date_field]
    slug = re.sub(r"[^a-z0-9]+", "-", config.label.lower()).strip("-")[:40] or "corpus"
    return f"{slug}-{digest([SCHEMA_VERSION, source, chunking, embedder.fingerprint])[:16]}.sqlite"
