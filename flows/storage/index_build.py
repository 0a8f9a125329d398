"""Index build: brings a corpus's index in step with its source, paying only for what changed.

Records go in batches, each committed on its own: after a kill the next build finds them there, by their hashes,
and goes on behind them. What is embedded of a document longer than a batch is kept at once too. One process builds at
a time; the others wait and then find the work done.
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
"""Called with the number of passages done and of all that have changed. It may raise, to stop the build."""

BATCH_PASSAGES = 64
"""Passages that are embedded together."""
BATCH_RECORDS = 256
_LOOK_SECONDS = 1.0
"""How often one that waits for another builder may be told to stop."""


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
    with _only_builder(path, progress):
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
        self._store.begin_pass()
        if self._progress:
            self._total = sum(1 for record in self._changed() for _ in passages(record, self._chunking))
            self._rejects.clear()
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
            if self._store.hash_of(item.record_id) != item.fingerprint:
                yield item

    def _commit(self) -> None:
        vectors = self._embedded()
        with self._store.transaction():
            for record, found in self._waiting:
                self._store.replace(record, found, [vectors[record.record_id, _text(passage)] for passage in found])
        self._waiting.clear()

    def _embedded(self) -> dict[tuple[str, str], bytes]:
        """The vectors of all passages that wait, by record and text; those known from before are not made again."""
        ids = [record.record_id for record, _ in self._waiting]
        known = {(name, text): vector for name in ids for text, vector in self._store.vectors_of(name)}
        every = [(passage.record_id, _text(passage)) for _, found in self._waiting for passage in found]
        new = list(dict.fromkeys(key for key in every if key not in known))
        self._tell(len(every) - len(new))
        for start in range(0, len(new), BATCH_PASSAGES):
            keys = new[start : start + BATCH_PASSAGES]
            vectors = self._embedder.embed([text for _, text in keys])
            made = {key: vector.tobytes() for key, vector in zip(keys, vectors, strict=True)}
            known |= made
            if len(new) > BATCH_PASSAGES:
                with self._store.transaction():
                    self._store.hold((*key, vector) for key, vector in made.items())
            self._tell(len(keys))
        return known

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


def _text(passage: Passage) -> str:
    """What is embedded of a passage."""
    return f"{passage.title}. {passage.text}"


@contextmanager
def _only_builder(path: Path, progress: Progress | None) -> Generator[None]:
    """Held by one process at a time. An open transaction is the lock, so that a kill gives it back."""
    lock = sqlite3.connect(path.with_suffix(".lock"), timeout=_LOOK_SECONDS, isolation_level=None)
    try:
        while not _locked(lock):
            if progress:
                progress(0, None)
        yield
    except sqlite3.Error as error:
        raise StorageError(f"the index {path} cannot be written: {error}") from None
    finally:
        lock.close()


def _locked(lock: sqlite3.Connection) -> bool:
    try:
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
            return False
        raise
    return True


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
