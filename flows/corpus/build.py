"""Brings a corpus's index up to date with its source, and embeds only what changed.

Records are written in batches, each committed on its own: after a kill the next build recognises them by their hashes
and continues after them. Vectors of a document longer than a batch are stored at once too. One process builds at a
time; the others wait and then find the work done.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from agents.llms.divided_words import joined_text
from contract.base import digest
from contract.errors import StorageError
from contract.findings import Passage
from contract.record import Record
from contract.storage import SearchableStorage
from flows.corpus.build_counts import BuildCounts
from flows.corpus.chunk import Chunking, chunk_record, index_hash
from flows.corpus.divided_words import DIVIDED_KEY
from flows.corpus.duplicates import Duplicates
from flows.corpus.gram_table import UNSPACED_KEY
from flows.corpus.passage_store import BuildStore, Embedder, IndexedRecord, KnownVectors
from flows.corpus.source_state import content_digest, is_local, source_state_digest
from flows.storage.reader import read_source
from flows.storage.rows import Reject

ProgressCallback = Callable[[int, int | None], None]
"""Called with the number of passages done and of all that have changed. It may raise, to stop the build."""

BATCH_PASSAGES = 64
"""Passages that are embedded together."""
BATCH_RECORDS = 256
_LOCK_POLL_SECONDS = 1.0
"""Seconds between two attempts to get the lock; between them `progress` may stop the build by raising."""


SCHEMA_VERSION = "2"
"""Increased when indexes of the version before cannot be used any more."""


class RemoteCopy(Protocol):
    """A copy of the index for other machines."""

    @property
    def is_up_to_date(self) -> bool:
        """Whether the copy held all of the index when last seen."""
        ...

    def fetch_vectors(self) -> KnownVectors | None:
        """Fetches the vectors that the copy holds; None when there is no usable copy."""
        ...

    def upload(self) -> None:
        """Replaces the copy by the index where that holds more, unless another machine has replaced it meanwhile."""
        ...

    def close(self) -> None:
        """Deletes what was fetched."""
        ...


def chunking_of(config: SearchableStorage) -> Chunking:
    """How the corpus's records are cut into passages."""
    return Chunking(config.chunk_characters, config.overlap_characters, config.sections, config.date_field)


def update_index(
    store: BuildStore,
    lock: Path,
    config: SearchableStorage,
    embedder: Embedder,
    progress: ProgressCallback | None,
    remote_copy: RemoteCopy | None = None,
) -> BuildCounts:
    """Brings the index up to date; returns at once where the source has not changed since the last complete pass.

    One of the processes with the same `lock` file builds at a time. Raises StorageError when the source cannot be
    read.
    """
    source_state = source_state_digest(config.source)

    def is_done() -> bool:
        return (
            source_state is not None
            and store.is_current(source_state)
            and (remote_copy is None or remote_copy.is_up_to_date)
        )

    counts = BuildCounts()
    if is_done():
        return counts
    with _build_lock(lock, progress):
        if is_done():
            return counts
        try:
            current_content = content_digest(config.source, source_state)
            if current_content is None or store.get_meta("content") != current_content:
                known = remote_copy.fetch_vectors() if remote_copy else None
                counts = _IndexBuild(store, config, embedder, progress, known).run()
            store.mark_current(current_content or "", source_state or "")
            if remote_copy:
                remote_copy.upload()
        finally:
            if remote_copy:
                remote_copy.close()
    return counts


class _IndexBuild:
    """One pass over the source."""

    def __init__(
        self,
        store: BuildStore,
        config: SearchableStorage,
        embedder: Embedder,
        progress: ProgressCallback | None,
        known: KnownVectors | None,
    ) -> None:
        self._store = store
        self._config = config
        self._embedder = embedder
        self._progress = progress
        self._vector_sources: list[KnownVectors] = [store, *([known] if known else [])]
        self._chunking = chunking_of(config)
        self._rejects: list[Reject] = []
        self._pending: list[tuple[Record, list[Passage]]] = []
        self._done = 0
        self._embedded = 0
        self._total: int | None = None

    def run(self) -> BuildCounts:
        self._store.begin_pass()
        held = self._count_records()
        # A remote source is not read twice only to count its passages.
        if self._progress and is_local(self._config.source):
            self._total = sum(1 for record in self._changed_records() for _ in chunk_record(record, self._chunking))
            self._rejects.clear()
        changed = new = 0
        # From the first batch on, the index matches neither the old content nor the new.
        self._store.set_meta({"content": ""})
        for record in self._changed_records():
            is_new = self._store.hash_of(record.record_id) is None
            changed, new = changed + (not is_new), new + is_new
            self._pending.append((record, list(chunk_record(record, self._chunking))))
            count = sum(len(found) for _, found in self._pending)
            if count >= self._store.batch_size or len(self._pending) >= BATCH_RECORDS:
                self._commit()
        self._commit()
        self._store.end_pass(self._rejects)
        self._store.set_meta(
            {
                "schema": SCHEMA_VERSION,
                "embedder": self._embedder.fingerprint,
                "fingerprint": self._fingerprint(),
            }
        )
        kept = self._count_records() - new
        return BuildCounts(
            was_read=True,
            new=new,
            changed=changed,
            unchanged=kept - changed,
            removed=held - kept,
            embedded=self._embedded,
            reused=self._done - self._embedded,
        )

    def _count_records(self) -> int:
        return sum(1 for _ in self._store.record_hashes())

    def _changed_records(self) -> Iterator[Record]:
        duplicates = Duplicates() if self._config.duplicates == "one" else None
        for item in read_source(self._config.source):
            if duplicates and isinstance(item, Record) and (duplicate := duplicates.check(item)):
                self._rejects.append(duplicate)
                continue
            if isinstance(item, Reject):
                self._rejects.append(item)
                continue
            self._store.mark_seen(item.record_id)
            if self._store.hash_of(item.record_id) != index_hash(item):
                yield item

    def _commit(self) -> None:
        if not self._pending:
            return
        vectors = self._embed_pending()
        self._store.replace_records(
            [
                IndexedRecord(record, found, [vectors[record.record_id, _embedded_text(passage)] for passage in found])
                for record, found in self._pending
            ]
        )
        self._pending.clear()

    def _embed_pending(self) -> dict[tuple[str, str], bytes]:
        """The vectors of all pending passages, by record and text; known vectors are not made again."""
        every = [(passage.record_id, _embedded_text(passage)) for _, found in self._pending for passage in found]
        vectors = self._known_vectors(set(every))
        new = list(dict.fromkeys(key for key in every if key not in vectors))
        self._report_progress(len(every) - len(new))
        made: dict[tuple[str, str], bytes] = {}
        for start in range(0, len(new), BATCH_PASSAGES):
            keys = new[start : start + BATCH_PASSAGES]
            found = self._embedder.embed([joined_text(text) for _, text in keys])
            made |= {key: vector.tobytes() for key, vector in zip(keys, found, strict=True)}
            self._embedded += len(keys)
            if len(made) >= self._store.batch_size and start + BATCH_PASSAGES < len(new):
                self._store.stage_vectors((*key, vector) for key, vector in made.items())
                vectors |= made
                made = {}
            self._report_progress(len(keys))
        return vectors | made

    def _known_vectors(self, keys: set[tuple[str, str]]) -> dict[tuple[str, str], bytes]:
        vectors: dict[tuple[str, str], bytes] = {}
        for store in self._vector_sources:
            missing = dict.fromkeys(name for name, text in keys if (name, text) not in vectors)
            for name, text, vector in store.vectors_of(sorted(missing)):
                if (name, text) in keys:
                    vectors.setdefault((name, text), vector)
        return vectors

    def _report_progress(self, count: int) -> None:
        self._done += count
        if self._progress and count:
            self._progress(self._done, self._total)

    def _fingerprint(self) -> str:
        content = sha256()
        for record_id, record_hash in self._store.record_hashes():
            content.update(f"{record_id}\x00{record_hash}\x00".encode())
        chunking = [self._config.chunk_characters, self._config.overlap_characters, list(self._config.sections)]
        searched = [found for key in (UNSPACED_KEY, DIVIDED_KEY) if (found := self._store.get_meta(key))]
        date_field, embedder = self._config.date_field, self._embedder.fingerprint
        return digest([SCHEMA_VERSION, content.hexdigest(), chunking, date_field, embedder, *searched])


def _embedded_text(passage: Passage) -> str:
    """The text by which the vector of a passage is known; its divided words are joined before it is embedded."""
    return f"{passage.title}. {passage.text}"


@contextmanager
def _build_lock(lock_file: Path, progress: ProgressCallback | None) -> Generator[None]:
    """Holds the lock, which one process has at a time. An open transaction is the lock, so that a kill releases it."""
    lock = sqlite3.connect(lock_file, timeout=_LOCK_POLL_SECONDS, isolation_level=None)
    try:
        while not _try_lock(lock):
            if progress:
                progress(0, None)
        yield
    except sqlite3.Error as error:
        raise StorageError(f"the index beside {lock_file} cannot be written: {error}") from None
    finally:
        lock.close()


def _try_lock(lock: sqlite3.Connection) -> bool:
    try:
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
            return False
        raise
    return True
