"""Index build: brings a corpus's index in step with its source, paying only for what changed.

Records go in batches, each committed on its own: after a kill the next build finds them there, by their hashes,
and goes on behind them. What is embedded of a document longer than a batch is kept at once too. One process builds at
a time; the others wait and then find the work done.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from contract.base import digest
from contract.errors import StorageError
from contract.findings import Passage
from contract.record import Record
from contract.storage import SearchableStorage
from flows.corpus.chunk import Chunking, passages
from flows.corpus.passage_store import BuildStore, Embedder, Indexed, KnownVectors
from flows.corpus.source_state import content, is_here, look
from flows.storage.reader import read
from flows.storage.rows import Reject

Progress = Callable[[int, int | None], None]
"""Called with the number of passages done and of all that have changed. It may raise, to stop the build."""

BATCH_PASSAGES = 64
"""Passages that are embedded together."""
BATCH_RECORDS = 256
_LOOK_SECONDS = 1.0
"""How often one that waits for another builder may be told to stop."""


SCHEMA_VERSION = "2"
"""Raised when indexes of before cannot be used any more."""


class Copy(Protocol):
    """A copy of the index for other machines."""

    @property
    def settled(self) -> bool:
        """Whether the copy held all of the index when last seen."""
        ...

    def known(self) -> KnownVectors | None:
        """What the copy holds already, fetched; None when there is none that can be used."""
        ...

    def settle(self) -> None:
        """Puts the index in the copy's place where it holds more, unless somebody else has meanwhile."""
        ...

    def close(self) -> None:
        """Lets go of what was fetched."""
        ...


def chunking_of(config: SearchableStorage) -> Chunking:
    """How the corpus's records are cut."""
    return Chunking(config.chunk_characters, config.overlap_characters, config.sections, config.date_field)


def update(
    store: BuildStore,
    lock: Path,
    config: SearchableStorage,
    embedder: Embedder,
    progress: Progress | None,
    copy: Copy | None = None,
) -> None:
    """Brings the index up to date; returns at once where the source has not changed since the last whole pass.

    Of those that use the same `lock` one builds. Raises StorageError when the source cannot be read.
    """
    source_state = look(config.source)

    def done() -> bool:
        return source_state is not None and store.is_current(source_state) and (copy is None or copy.settled)

    if done():
        return
    with _only_builder(lock, progress):
        if done():
            return
        try:
            current_content = content(config.source, source_state)
            if current_content is None or store.get("content") != current_content:
                _Build(store, config, embedder, progress, copy.known() if copy else None).run()
            store.finish(current_content or "", source_state or "")
            if copy:
                copy.settle()
        finally:
            if copy:
                copy.close()


class _Build:
    """One pass over the source."""

    def __init__(
        self,
        store: BuildStore,
        config: SearchableStorage,
        embedder: Embedder,
        progress: Progress | None,
        known: KnownVectors | None,
    ) -> None:
        self._store = store
        self._config = config
        self._embedder = embedder
        self._progress = progress
        self._known: list[KnownVectors] = [store, *([known] if known else [])]
        self._chunking = chunking_of(config)
        self._rejects: list[Reject] = []
        self._waiting: list[tuple[Record, list[Passage]]] = []
        self._done = 0
        self._total: int | None = None

    def run(self) -> None:
        self._store.begin_pass()
        # A source elsewhere is not read twice only to count.
        if self._progress and is_here(self._config.source):
            self._total = sum(1 for record in self._changed() for _ in passages(record, self._chunking))
            self._rejects.clear()
        # From the first batch on the index is of neither the old content nor the new.
        self._store.put({"content": ""})
        for record in self._changed():
            self._waiting.append((record, list(passages(record, self._chunking))))
            count = sum(len(found) for _, found in self._waiting)
            if count >= self._store.batch or len(self._waiting) >= BATCH_RECORDS:
                self._commit()
        self._commit()
        self._store.end_pass(self._rejects)
        self._store.put(
            {
                "schema": SCHEMA_VERSION,
                "embedder": self._embedder.fingerprint,
                "fingerprint": self._fingerprint(),
            }
        )

    def _changed(self) -> Iterator[Record]:
        for item in read(self._config.source):
            if isinstance(item, Reject):
                self._rejects.append(item)
                continue
            self._store.see(item.record_id)
            if self._store.hash_of(item.record_id) != item.fingerprint:
                yield item

    def _commit(self) -> None:
        if not self._waiting:
            return
        vectors = self._embedded()
        self._store.replace(
            [
                Indexed(record, found, [vectors[record.record_id, _text(passage)] for passage in found])
                for record, found in self._waiting
            ]
        )
        self._waiting.clear()

    def _embedded(self) -> dict[tuple[str, str], bytes]:
        """The vectors of all passages that wait, by record and text; those known from before are not made again."""
        every = [(passage.record_id, _text(passage)) for _, found in self._waiting for passage in found]
        vectors = self._from_before(set(every))
        new = list(dict.fromkeys(key for key in every if key not in vectors))
        self._tell(len(every) - len(new))
        made: dict[tuple[str, str], bytes] = {}
        for start in range(0, len(new), BATCH_PASSAGES):
            keys = new[start : start + BATCH_PASSAGES]
            found = self._embedder.embed([text for _, text in keys])
            made |= {key: vector.tobytes() for key, vector in zip(keys, found, strict=True)}
            if len(made) >= self._store.batch and start + BATCH_PASSAGES < len(new):
                self._store.hold((*key, vector) for key, vector in made.items())
                vectors |= made
                made = {}
            self._tell(len(keys))
        return vectors | made

    def _from_before(self, wanted: set[tuple[str, str]]) -> dict[tuple[str, str], bytes]:
        vectors: dict[tuple[str, str], bytes] = {}
        for store in self._known:
            missing = dict.fromkeys(name for name, text in wanted if (name, text) not in vectors)
            for name, text, vector in store.vectors_of(sorted(missing)):
                if (name, text) in wanted:
                    vectors.setdefault((name, text), vector)
        return vectors

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
def _only_builder(lock_file: Path, progress: Progress | None) -> Generator[None]:
    """Held by one process at a time. An open transaction is the lock, so that a kill gives it back."""
    lock = sqlite3.connect(lock_file, timeout=_LOOK_SECONDS, isolation_level=None)
    try:
        while not _locked(lock):
            if progress:
                progress(0, None)
        yield
    except sqlite3.Error as error:
        raise StorageError(f"the index beside {lock_file} cannot be written: {error}") from None
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
