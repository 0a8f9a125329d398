"""Opens a corpus for search, whichever store keeps it.

    index = open_corpus(config, folder)
    passages = await index.search(["When is a slur allowed?"], limit=12)

`hybrid_search` runs a search; `sqlite_store` and `lancedb_store` keep the passages.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from contract.base import JsonValue, canonical_json, digest
from contract.errors import StorageError
from contract.findings import Passage, Source
from contract.storage import CorpusStorage, FileStorage, SearchableStorage, VectorStorage
from flows.corpus.build import SCHEMA_VERSION, ProgressCallback, RemoteCopy, update_index
from flows.corpus.build_counts import BuildCounts
from flows.corpus.document_filter import DocumentFilter
from flows.corpus.explanation import Explanation, explain_search
from flows.corpus.hybrid_search import hybrid_search
from flows.corpus.passage_store import Embedder, QuestionEmbedder, SearchStore, Within
from flows.corpus.source_state import source_identity
from flows.corpus.sqlite_store import SqliteStore
from flows.corpus.vector_matrix import VectorMatrix
from flows.files.os_error import os_error_text
from flows.storage.rows import Reject

NoteCallback = Callable[[str], None]
"""Called with a sentence on the index that the scholar should read."""
StoreOpener = Callable[[], SearchStore[Any]]
"""Opens the store for one search."""


def open_corpus(
    config: SearchableStorage,
    folder: Path,
    progress: ProgressCallback | None = None,
    embedder: Embedder | None = None,
    on_note: NoteCallback | None = None,
) -> CorpusIndex:
    """The corpus, after its index is built or brought up to date; `folder` is this machine's folder of indexes.

    Takes milliseconds when the source has not changed; after a kill the build continues where it stopped. `progress` is
    called with (passages done, passages in all). Raises StorageError when the source or the index cannot be used.
    """
    if embedder is None:
        from agents.llms.minilm import MiniLM

        embedder = MiniLM()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"the folder {folder} cannot be made: {os_error_text(error)}") from None
    if isinstance(config, VectorStorage):
        return _open_lancedb(config, folder, progress, embedder)
    if not isinstance(config, CorpusStorage):
        raise StorageError(f"'{config.label}' is of no kind that can be searched")
    return _open_sqlite(config, folder, progress, embedder, on_note or (lambda _: None))


class CorpusIndex:
    """Implements `agents.base.services.SearchIndex`. Safe to share between threads and tasks."""

    def __init__(
        self,
        config: SearchableStorage,
        embedder: Embedder,
        fingerprint: str,
        location: str,
        open_store: StoreOpener,
        built: BuildCounts,
    ) -> None:
        """Called by `open_corpus`."""
        self.location = location
        """The path or address of the index."""
        self.note = config.note
        """Where the data comes from, and its limits."""
        self.built = built
        """What was done to bring the index up to date when it was opened."""
        self._label = config.label
        self._fingerprint = fingerprint
        self._embed = embedder.embed_queries if isinstance(embedder, QuestionEmbedder) else embedder.embed
        self._open_store = open_store
        self._filters: dict[str, DocumentFilter] = {}

    @property
    def label(self) -> str:
        """The name of the corpus in answers."""
        return self._label

    @property
    def fingerprint(self) -> str:
        """Digest of content, chunking and embedding model."""
        return self._fingerprint

    async def search(self, queries: Sequence[str], limit: int, where: Mapping[str, Any] | None = None) -> list[Passage]:
        """At most `limit` passages for all queries together, best first; none for empty queries.

        `where` says which documents are searched. Raises StorageError where it fits none.
        """
        return await asyncio.to_thread(self._search, [query for query in queries if query.strip()], limit, where)

    async def explain(self, queries: Sequence[str], limit: int, where: Mapping[str, Any] | None = None) -> Explanation:
        """What each way of searching ranked for these queries, and what a search makes of it."""
        return await asyncio.to_thread(self._explain, [query for query in queries if query.strip()], limit, where)

    async def remaining(self, where: Mapping[str, Any]) -> str:
        """How many documents `where` fits, in words. Raises StorageError where it fits none."""
        return (await asyncio.to_thread(self._filter, where)).summary()

    async def beginning(self, passage_id: str) -> Passage | None:
        """The first passage of the document that this passage is of; None where the corpus has none."""
        return await asyncio.to_thread(self._beginning, passage_id)

    async def passage(self, passage_id: str) -> Passage | None:
        """The passage of that id; None where the corpus has none."""
        return await asyncio.to_thread(self._passage, passage_id)

    async def sources(self) -> list[Source]:
        """Every document of the corpus, in the order of the ids."""
        return await asyncio.to_thread(self._sources)

    def counts(self) -> tuple[int, int]:
        """The numbers of indexed records and passages."""
        with closing(self._open_store()) as store:
            return store.counts()

    def rejects(self) -> list[Reject]:
        """The rows of the source that could not be indexed, with the reasons."""
        with closing(self._open_store()) as store:
            return store.rejects()

    def _passage(self, passage_id: str) -> Passage | None:
        with closing(self._open_store()) as store:
            key = store.key_of(passage_id)
            return None if key is None else store.passages([key]).get(key)

    def _beginning(self, passage_id: str) -> Passage | None:
        with closing(self._open_store()) as store:
            key = store.key_of(passage_id)
            first = store.siblings(key)[:1] if key is not None else []
            return store.passages(first).get(first[0]) if first else None

    def _sources(self) -> list[Source]:
        with closing(self._open_store()) as store:
            return store.sources()

    def _explain(self, queries: list[str], limit: int, where: Mapping[str, Any] | None) -> Explanation:
        if not queries or limit < 1:
            return Explanation((), ())
        within, vectors = self._within(where), self._embed(queries)
        with closing(self._open_store()) as store:
            return explain_search(store, queries, vectors, limit, within)

    def _search(self, queries: list[str], limit: int, where: Mapping[str, Any] | None) -> list[Passage]:
        if not queries or limit < 1:
            return []
        within, vectors = self._within(where), self._embed(queries)
        with closing(self._open_store()) as store:
            return hybrid_search(store, queries, vectors, limit, within)

    def _within(self, where: Mapping[str, Any] | None) -> Within:
        return self._filter(where).kept if where else None

    def _filter(self, where: Mapping[str, Any]) -> DocumentFilter:
        """The documents that fit, looked up once for each `where`. Raises StorageError where there are none."""
        key = canonical_json(where)
        if key not in self._filters:
            found = DocumentFilter(where)
            with closing(self._open_store()) as store:
                for document in store.documents():
                    found.add(document)
            if problems := found.problems():
                raise StorageError(f"{self._label}: {'; '.join(map(str, problems))}")
            self._filters[key] = found
        return self._filters[key]


def _open_sqlite(
    config: CorpusStorage, folder: Path, progress: ProgressCallback | None, embedder: Embedder, on_note: NoteCallback
) -> CorpusIndex:
    path = folder / f"{_index_name(config, embedder, _local_identity(config))}.sqlite"
    with closing(SqliteStore(path)) as store:
        copy = _bucket_copy(config, store, path, embedder, on_note)
        built = update_index(store, path.with_suffix(".lock"), config, embedder, progress, copy)
        fingerprint = store.get_meta("fingerprint") or ""
    matrix = VectorMatrix()
    return CorpusIndex(config, embedder, fingerprint, str(path), lambda: SqliteStore(path, matrix), built)


def _bucket_copy(
    config: CorpusStorage, store: SqliteStore, path: Path, embedder: Embedder, on_note: NoteCallback
) -> RemoteCopy | None:
    if config.kept_in is None:
        return None
    from flows.corpus.bucket_copy import BucketCopy, CopyLocation

    name = f"{config.kept_in.path}/{_index_name(config, embedder, source_identity(config.source))}.sqlite".lstrip("/")
    place = config.kept_in.model_copy(update={"path": name})
    return BucketCopy(store, path, CopyLocation(place, config.label, embedder.fingerprint), on_note)


def _open_lancedb(
    config: VectorStorage, folder: Path, progress: ProgressCallback | None, embedder: Embedder
) -> CorpusIndex:
    from flows.corpus.lancedb_store import LanceDBStore

    name = _index_name(config, embedder, source_identity(config.source))
    with closing(LanceDBStore(config, name, folder)) as store:
        built = update_index(store, folder / f"{name}.lock", config, embedder, progress)
    store.pin_version()
    return CorpusIndex(config, embedder, store.get_meta("fingerprint") or "", config.path, lambda: store, built)


def _index_name(config: SearchableStorage, embedder: Embedder, source: JsonValue) -> str:
    """The name of the index, unique to its source, chunking and embedding model."""
    chunking = [config.chunk_characters, config.overlap_characters, list(config.sections), config.date_field]
    chunking += [f"duplicates: {config.duplicates}"] if config.duplicates == "one" else []
    slug = re.sub(r"[^a-z0-9]+", "-", config.label.lower()).strip("-")[:40] or "corpus"
    return f"{slug}-{digest([SCHEMA_VERSION, source, chunking, embedder.fingerprint])[:16]}"


def _local_identity(config: CorpusStorage) -> JsonValue:
    """The identity of the source on this machine, where files of one name in different folders differ."""
    source = config.source
    return [str(source.path.resolve()) if isinstance(source, FileStorage) else "", source_identity(source)]
