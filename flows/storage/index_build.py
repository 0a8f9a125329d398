"""Index build: brings a corpus's index in step with its source, paying only for what changed.

Records go in batches, each committed on its own: after a kill the next build finds them there, by their hashes,
and goes on behind them. One process builds at a time; the others wait and then find the work done.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from contract.base import digest
from contract.errors import StorageError
from contract.findings import Passage
from contract.record import Record
from contract.storage import CorpusStorage, FileStorage
from flows.storage.chunk import Chunking, passages
from flows.storage.file import Reject, files_of, read
from flows.storage.index_store import SCHEMA_VERSION, IndexStore

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Progress = Callable[[int, int | None], None]
"""Called with the number of records done and, where it is known, of all."""

BATCH_PASSAGES = 64
"""Passages that are embedded and committed together, whole records at a time."""
BATCH_RECORDS = 256
_WAIT_SECONDS = 24 * 3600.0


class Embedder(Protocol):
    """What turns texts into vectors; `agents.llms.minilm.MiniLM` is one."""

    @property
    def fingerprint(self) -> str:
        """Digest of all that the vectors depend on."""
        ...

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One vector of length 1 a text."""
        ...


def chunking_of(config: CorpusStorage) -> Chunking:
    """How the corpus's records are cut."""
    return Chunking(config.chunk_characters, config.overlap_characters, config.sections, config.date_field)


def update(store: IndexStore, path: Path, config: CorpusStorage, embedder: Embedder, progress: Progress | None) -> None:
    """Brings the index up to date; returns at once where the source has not changed since the last whole pass.

    Raises StorageError when the source cannot be read.
    """
    stat = _stat(config.source)
    if store.get("stat") == stat:
        return
    with _only_builder(path):
        if store.get("stat") == stat:
            return
        content = _content(config.source)
        if store.get("content") != content:
            _Build(store, config, embedder, progress).run()
        with store.transaction():
            store.put("content", content)
            store.put("stat", stat)


class _Build:
    """One pass over the source."""

    def __init__(self, store: IndexStore, config: CorpusStorage, embedder: Embedder, progress: Progress | None) -> None:
        self._store = store
        self._config = config
        self._embedder = embedder
        self._progress = progress
        self._chunking = chunking_of(config)
        self._rejects: list[Reject] = []
        self._waiting: list[tuple[Record, list[Passage]]] = []
        self._done = 0
        self._total: int | None = None

    def run(self) -> None:
        if self._progress:
            self._total = sum(isinstance(item, Record) for item in read(self._config.source))
        self._store.begin_pass()
        # From the first batch on the index is of neither the old content nor the new.
        self._store.put("content", "")
        for record in self._changed():
            self._waiting.append((record, list(passages(record, self._chunking))))
            count = sum(len(found) for _, found in self._waiting)
            if count >= BATCH_PASSAGES or len(self._waiting) >= BATCH_RECORDS:
                self._commit()
        self._commit()
        with self._store.transaction():
            self._store.end_pass()
            self._store.replace_rejects(self._rejects)
            self._store.put("fingerprint", self._fingerprint())

    def _changed(self) -> Iterator[Record]:
        for item in read(self._config.source):
            if isinstance(item, Reject):
                self._rejects.append(item)
                continue
            self._store.see(item.record_id)
            if self._store.hash_of(item.record_id) == item.fingerprint:
                self._tell(1)
            else:
                yield item

    def _commit(self) -> None:
        texts = [f"{passage.title}. {passage.text}" for _, found in self._waiting for passage in found]
        vectors = self._embedder.embed(texts)
        start = 0
        with self._store.transaction():
            for record, found in self._waiting:
                self._store.replace(record, found, vectors[start : start + len(found)])
                start += len(found)
        self._tell(len(self._waiting))
        self._waiting.clear()

    def _tell(self, count: int) -> None:
        self._done += count
        if self._progress and count:
            self._progress(self._done, self._total)

    def _fingerprint(self) -> str:
        content = sha256()
        for record_id, record_hash in self._store.hashes():
            content.update(f"{record_id}\x00{record_hash}\x00".encode())
        chunking = [self._config.chunk_characters, self._config.overlap_characters, list(self._config.sections)]
        return digest(
            [SCHEMA_VERSION, content.hexdigest(), chunking, self._config.date_field, self._embedder.fingerprint]
        )


@contextmanager
def _only_builder(path: Path) -> Generator[None]:
    """Held by one process at a time. An open transaction is the lock, so that a kill gives it back."""
    lock = sqlite3.connect(path.with_suffix(".lock"), timeout=_WAIT_SECONDS, isolation_level=None)
    try:
        lock.execute("BEGIN EXCLUSIVE")
        yield
    except sqlite3.Error as error:
        raise StorageError(f"the index {path} cannot be written: {error}") from None
    finally:
        lock.close()


def _stat(source: FileStorage) -> str:
    return digest([[str(file), file.stat().st_size, file.stat().st_mtime_ns] for file in files_of(source)])


def _content(source: FileStorage) -> str:
    total = sha256()
    for path in files_of(source):
        total.update(f"{path}\x00".encode())
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                total.update(block)
    return total.hexdigest()
