"""The protocols of a store of a corpus's passages, for building and for searching.

Two classes implement them: `sqlite_store.SqliteStore`, one SQLite file in which every search is exact, and
`lancedb_store.LanceDBStore`, a LanceDB collection for more passages than that. Each writing method takes effect
completely or not at all, so that a kill between two of them costs work but damages nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias, TypeVar, runtime_checkable

from contract.findings import Passage, Source
from contract.record import Record
from flows.corpus.document_filter import Document
from flows.storage.rows import Reject

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TextVector = tuple[str, str, bytes]
"""Record id, what was embedded of it word for word, and the vector as float32 values."""
Within: TypeAlias = Collection[str] | None
"""Ids of the documents that are searched; None for all."""
PassageKey = TypeVar("PassageKey")
"""The type of the key that identifies a passage in a store."""


class Embedder(Protocol):
    """Turns texts into vectors; `agents.llms.minilm.MiniLM` is one."""

    @property
    def fingerprint(self) -> str:
        """Digest of all that the vectors depend on."""
        ...

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One vector of length 1 for each text."""
        ...


@runtime_checkable
class QuestionEmbedder(Protocol):
    """An embedder that treats questions otherwise than passages."""

    def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One vector of length 1 for each question."""
        ...


class KnownVectors(Protocol):
    """Vectors that need not be made again."""

    def vectors_of(self, record_ids: Sequence[str]) -> Iterator[TextVector]:
        """All that was embedded of those records."""
        ...


@dataclass(frozen=True)
class IndexedRecord:
    """A record with its passages, and a vector for each."""

    record: Record
    passages: Sequence[Passage]
    vectors: Sequence[bytes]


class PassageIdentity(NamedTuple):
    """What a search compares passages by before it reads them."""

    record_id: str
    content_hash: str


class BuildStore(KnownVectors, Protocol):
    """A store as the builder needs it."""

    @property
    def batch_size(self) -> int:
        """How many passages are best written together."""
        ...

    def get_meta(self, key: str) -> str | None:
        """The value stored under `key`, or None."""
        ...

    def set_meta(self, values: Mapping[str, str]) -> None:
        """Stores these values in one transaction."""
        ...

    def is_current(self, source_state: str) -> bool:
        """Whether the store holds all of the source in this state, by the last `mark_current`."""
        ...

    def mark_current(self, content: str, source_state: str) -> None:
        """Stores the digest of the content that the store holds now, and the state of its source."""
        ...

    def begin_pass(self) -> None:
        """Starts a pass over the source; `end_pass` removes what the pass did not see."""
        ...

    def mark_seen(self, record_id: str) -> None:
        """Notes that the source still holds this record."""
        ...

    def hash_of(self, record_id: str) -> str | None:
        """The hash under which the record was indexed before this pass, or None."""
        ...

    def stage_vectors(self, rows: Iterable[TextVector]) -> None:
        """Stores vectors of records that are not complete yet, until `replace_records` or `end_pass` deletes them."""
        ...

    def replace_records(self, batch: Sequence[IndexedRecord]) -> None:
        """Writes the records and their passages in place of the old ones."""
        ...

    def end_pass(self, rejects: Sequence[Reject]) -> None:
        """Deletes the records that the source no longer holds, and stores the rows that could not be indexed."""
        ...

    def record_hashes(self) -> Iterator[tuple[str, str]]:
        """Record ids and hashes, in the order of the ids."""
        ...


class SearchStore(Protocol[PassageKey]):
    """A store as a search needs it; use it in the thread that opened it, and close it."""

    def close(self) -> None:
        """Closes the store."""
        ...

    def key_of(self, passage_id: str) -> PassageKey | None:
        """The key of the passage of that id; None where it has none."""
        ...

    def documents(self) -> Iterator[Document]:
        """What is known of every document."""
        ...

    def nearest(self, vectors: NDArray[np.float32], depth: int, within: Within = None) -> list[list[PassageKey]]:
        """For each vector the passages nearest to it, at most `depth`, nearest first."""
        ...

    def full_text_search(self, phrases: Sequence[str], depth: int, within: Within = None) -> list[PassageKey]:
        """The passages that hold any of the phrases, best first by BM25; titles count twice."""
        ...

    def gram_search(self, grams: Sequence[str], depth: int, within: Within = None) -> list[PassageKey]:
        """The passages that hold any of the pairs of letters, best first by BM25."""
        ...

    def identities(self, keys: Sequence[PassageKey]) -> dict[PassageKey, PassageIdentity]:
        """The document of each passage, and the digest of its text."""
        ...

    def siblings(self, key: PassageKey) -> list[PassageKey]:
        """All passages of the document of this passage, in reading order."""
        ...

    def similarity(self, keys: Sequence[PassageKey], vectors: NDArray[np.float32]) -> dict[PassageKey, float]:
        """The highest cosine of each passage with any of the vectors."""
        ...

    def passages(self, keys: Sequence[PassageKey]) -> dict[PassageKey, Passage]:
        """These passages, without scores; one that another process removed meanwhile is missing."""
        ...

    def counts(self) -> tuple[int, int]:
        """The numbers of records and passages."""
        ...

    def sources(self) -> list[Source]:
        """Every document, in the order of the ids."""
        ...

    def rejects(self) -> list[Reject]:
        """The rows that could not be indexed, in the source's order."""
        ...
