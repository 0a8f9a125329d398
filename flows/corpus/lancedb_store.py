"""Stores the passages of a corpus in LanceDB, in a folder or a bucket.

Tables: `passages` (text, offsets and vector), `records` (one row a document, with the hash that shows whether it
changed), `waiting` (vectors of long documents that are not complete yet), `rejects` and `meta`. A record counts as
indexed once it is in `records`, which is written after its passages. After a kill between the two, the next pass
repairs the index without embedding again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contract.findings import Passage, Source
from contract.storage import VectorStorage
from flows.corpus.chunk import index_hash, passage_locators
from flows.corpus.document_filter import Document
from flows.corpus.kept_metadata import metadata_json, read_metadata
from flows.corpus.lancedb_search import LanceDBSearch
from flows.corpus.lancedb_tables import LanceDBTables, batched, is_in
from flows.corpus.pass_state import PassState
from flows.corpus.passage_store import IndexedRecord, PassageIdentity, TextVector, Within
from flows.storage.rows import Reject
from flows.storage.values import import_optional

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_FLOAT_BYTES = 4
"""Bytes of one number of a vector."""


class LanceDBStore:
    """One open collection; a `BuildStore` and a `SearchStore`. Searches may share it between threads."""

    batch_size = 1024

    def __init__(self, config: VectorStorage, name: str, folder: Path) -> None:
        """Opens or makes the collection `name` at the configured place.

        `folder` is on this machine, and holds a note of the source's last known state. Raises StorageError.
        """
        self._tables = LanceDBTables(f"{config.path.rstrip('/')}/{name}", config.endpoint)
        self._pa = import_optional("pyarrow", "vector", "a vector collection")
        self._search = LanceDBSearch(self._tables, config.exact_below)
        self._state_file = folder / f"{name}.looked"
        self._pass_state: PassState | None = None
        self._meta: dict[str, str] = {}

    def close(self) -> None:
        """Deletes the state of a pass; nothing else is held open between calls."""
        if self._pass_state:
            self._pass_state.close()
            self._pass_state = None

    # --- writing ---

    def get_meta(self, key: str) -> str | None:
        """The value stored under `key`, or None."""
        return self._meta.get(key)

    def set_meta(self, values: Mapping[str, str]) -> None:
        """Stores these values in one transaction."""
        self._tables.get_or_create("meta", self._string_schema("key", "value"))
        rows = [{"key": key, "value": value} for key, value in values.items()]
        self._tables.upsert("meta", "key", self._pa.Table.from_pylist(rows, schema=self._string_schema("key", "value")))
        self._meta |= values

    def is_current(self, source_state: str) -> bool:
        """Whether the collection holds all of the source in this state, by `mark_current` on this machine."""
        # Another process may have built it while this one waited.
        self._refresh()
        held = self.get_meta("content")
        try:
            return bool(held) and json.loads(self._state_file.read_text(encoding="utf-8")) == [held, source_state]
        except (OSError, ValueError):
            return False

    def mark_current(self, content: str, source_state: str) -> None:
        """Stores the digest of the collection's content, and on this machine the state of its source."""
        if self.get_meta("content") != content:
            self.set_meta({"content": content})
        temporary = self._state_file.with_suffix(".new")
        temporary.write_text(json.dumps([content, source_state]), encoding="utf-8")
        temporary.replace(self._state_file)

    def begin_pass(self) -> None:
        """Starts a pass over the source; `end_pass` removes what the pass did not see."""
        self.close()
        self._refresh()
        self._pass_state = PassState(self._stored_hashes())

    def mark_seen(self, record_id: str) -> None:
        """Notes that the source still holds this record."""
        self._current_pass().mark_seen(record_id)

    def hash_of(self, record_id: str) -> str | None:
        """The hash under which the record was indexed before this pass, or None."""
        return self._current_pass().hash_of(record_id)

    def vectors_of(self, record_ids: Sequence[str]) -> Iterator[TextVector]:
        """All that was embedded of those records so far."""
        columns = ["record_id", "title", "text", "vector"]
        for found in self._tables.select_in("passages", "record_id", record_ids, columns):
            for row, vector in zip(found.drop_columns(["vector"]).to_pylist(), _vectors(found), strict=True):
                yield row["record_id"], f"{row['title']}. {row['text']}", vector.tobytes()
        for found in self._tables.select_in("waiting", "record_id", record_ids, ["record_id", "embedded", "vector"]):
            for row in found.to_pylist():
                yield row["record_id"], row["embedded"], row["vector"]

    def stage_vectors(self, rows: Iterable[TextVector]) -> None:
        """Stores vectors of records that are not complete yet; `replace_records` deletes them."""
        fields = [*self._string_schema("record_id", "embedded"), self._pa.field("vector", self._pa.binary())]
        schema = self._pa.schema(fields)
        made = [{"record_id": name, "embedded": text, "vector": vector} for name, text, vector in rows]
        table = self._tables.get_or_create("waiting", schema)
        with self._tables.as_storage_errors():
            table.add(self._pa.Table.from_pylist(made, schema=schema))

    def replace_records(self, batch: Sequence[IndexedRecord]) -> None:
        """Writes the records and their passages in place of the old ones."""
        ids = [one.record.record_id for one in batch]
        if (vector := next((vector for one in batch for vector in one.vectors), None)) is not None:
            self._replace_passages(batch, ids, len(vector) // _FLOAT_BYTES)
        else:
            self._tables.delete("passages", "record_id", ids)
        schema = self._string_schema("record_id", "hash", "title", "date", "uri", "metadata")
        self._tables.get_or_create("records", schema)
        rows = [_record_row(one) for one in batch]
        self._tables.upsert("records", "record_id", self._pa.Table.from_pylist(rows, schema=schema))
        if self._tables.count("waiting"):
            self._tables.delete("waiting", "record_id", ids)

    def end_pass(self, rejects: Sequence[Reject]) -> None:
        """Deletes the records that the source no longer holds, and stores the rows that could not be indexed."""
        for gone in batched(self._current_pass().unseen()):
            self._tables.delete("passages", "record_id", gone)
            self._tables.delete("records", "record_id", gone)
        self._tables.delete_all_rows("waiting")
        fields = [self._pa.field("line", self._pa.int64()), *self._string_schema("reason", "raw", "source")]
        rows = [{"line": one.line, "reason": one.reason, "raw": one.raw, "source": one.source} for one in rejects]
        self._tables.overwrite("rejects", self._pa.Table.from_pylist(rows, schema=self._pa.schema(fields)))
        self._search.update_indexes()
        self.close()

    def record_hashes(self) -> Iterator[tuple[str, str]]:
        """Record ids and hashes, in the order of the ids."""
        notes = PassState(self._stored_hashes())
        yield from notes.sorted_hashes()
        notes.close()

    def _replace_passages(self, batch: Sequence[IndexedRecord], ids: Sequence[str], dimensions: int) -> None:
        pa = self._pa
        integers = [pa.field(name, pa.int64()) for name in ("position", "start", "end")]
        texts = self._string_schema("passage_id", "record_id", "title", "section", "text", "content_hash")
        schema = pa.schema([*texts, *integers, pa.field("vector", pa.list_(pa.float32(), dimensions))])
        table = self._tables.get_or_create("passages", schema)
        rows = pa.Table.from_pylist(list(_passage_rows(batch)), schema=schema)
        with self._tables.as_storage_errors():
            merge = table.merge_insert("passage_id").when_matched_update_all().when_not_matched_insert_all()
            merge.when_not_matched_by_source_delete(is_in("record_id", ids)).execute(rows)

    def _refresh(self) -> None:
        self._tables.refresh()
        self._meta = {row["key"]: row["value"] for row in self._tables.rows("meta", ["key", "value"])}

    def _stored_hashes(self) -> Iterator[tuple[str, str]]:
        return ((row["record_id"], row["hash"]) for row in self._tables.rows("records", ["record_id", "hash"]))

    def _current_pass(self) -> PassState:
        if self._pass_state is None:
            raise RuntimeError("a pass has to begin first")
        return self._pass_state

    def _string_schema(self, *names: str) -> Any:
        return self._pa.schema([self._pa.field(name, self._pa.string()) for name in names])

    # --- reading ---

    def pin_version(self) -> None:
        """From now on searches see the collection as it is now, whatever others write; this store can write nothing."""
        self._tables.pin_version()

    def key_of(self, passage_id: str) -> str:
        """The id itself: it is the key."""
        return passage_id

    def documents(self) -> Iterator[Document]:
        """What is known of every document."""
        for row in self._tables.rows("records", ["record_id", "title", "date", "uri", "metadata"]):
            metadata, _ = read_metadata(row["metadata"])
            yield Document(row["record_id"], row["title"], row["date"], row["uri"], metadata)

    def nearest(self, vectors: NDArray[np.float32], depth: int, within: Within = None) -> list[list[str]]:
        """For each vector the passages nearest to it, nearest first."""
        return [self._search.nearest(vector, depth, within) for vector in vectors]

    def full_text_search(self, phrases: Sequence[str], depth: int, within: Within = None) -> list[str]:
        """Ids of the passages that hold any of the phrases, best first by BM25; titles count twice."""
        return self._search.full_text_search(phrases, depth, within)

    def gram_search(self, grams: Sequence[str], depth: int, within: Within = None) -> list[str]:  # noqa: ARG002
        """Nothing: a collection has no index of pairs of letters."""
        return []

    def identities(self, keys: Sequence[str]) -> dict[str, PassageIdentity]:
        """The document of each passage, and the digest of its text."""
        columns = ["passage_id", "record_id", "content_hash"]
        rows = (
            row for some in self._tables.select_in("passages", "passage_id", keys, columns) for row in some.to_pylist()
        )
        return {row["passage_id"]: PassageIdentity(row["record_id"], row["content_hash"]) for row in rows}

    def siblings(self, key: str) -> list[str]:
        """Ids of all passages of the document of this passage, in reading order."""
        return self._search.siblings(key)

    def similarity(self, keys: Sequence[str], vectors: NDArray[np.float32]) -> dict[str, float]:
        """The highest cosine of each passage with any of the vectors."""
        found: dict[str, float] = {}
        for some in self._tables.select_in("passages", "passage_id", keys, ["passage_id", "vector"]):
            if some.num_rows:
                cosines = (vectors @ _vectors(some).T).max(axis=0)
                found |= zip(some["passage_id"].to_pylist(), cosines.tolist(), strict=True)
        return found

    def passages(self, keys: Sequence[str]) -> dict[str, Passage]:
        """These passages; one whose record was removed meanwhile is missing."""
        columns = ["passage_id", "record_id", "title", "section", "text", "start", "end", "content_hash"]
        rows = [
            row for some in self._tables.select_in("passages", "passage_id", keys, columns) for row in some.to_pylist()
        ]
        ids = dict.fromkeys(row["record_id"] for row in rows)
        wanted = ["record_id", "uri", "date", "metadata"]
        records = {
            row["record_id"]: row
            for some in self._tables.select_in("records", "record_id", ids, wanted)
            for row in some.to_pylist()
        }
        known = [row for row in rows if row["record_id"] in records]
        return {row["passage_id"]: _passage(row, records[row["record_id"]]) for row in known}

    def counts(self) -> tuple[int, int]:
        """The numbers of records and passages."""
        return self._tables.count("records"), self._tables.count("passages")

    def sources(self) -> list[Source]:
        """Every document, in the order of the ids."""
        rows = self._tables.rows("records", ["record_id", "title", "date", "uri"])
        return sorted((Source(**row) for row in rows), key=lambda source: source.record_id)

    def rejects(self) -> list[Reject]:
        """The rows that could not be indexed, in the source's order."""
        rows = self._tables.rows("rejects", ["line", "reason", "raw", "source"])
        return sorted((Reject(**row) for row in rows), key=lambda reject: (reject.source, reject.line))


def _vectors(found: Any) -> NDArray[np.float32]:
    """The column `vector`, row by row: [n, dimensions]."""
    flat = found["vector"].combine_chunks().flatten().to_numpy()
    return flat.reshape(found.num_rows, -1) if found.num_rows else flat.reshape(0, 0)


def _passage(row: dict[str, Any], record: dict[str, Any]) -> Passage:
    metadata, locators = read_metadata(record["metadata"])
    of_passage = passage_locators(locators, row["section"], row["start"], row["end"])
    return Passage(**row, uri=record["uri"], date=record["date"], metadata=metadata, locators=of_passage)


def _record_row(one: IndexedRecord) -> dict[str, Any]:
    record = one.record
    return {
        "record_id": record.record_id,
        "hash": index_hash(record),
        "title": record.title or record.record_id,
        "date": one.passages[0].date if one.passages else None,
        "uri": record.uri,
        "metadata": metadata_json(record),
    }


def _passage_rows(batch: Sequence[IndexedRecord]) -> Iterator[dict[str, Any]]:
    import numpy as np

    for one in batch:
        for position, (passage, vector) in enumerate(zip(one.passages, one.vectors, strict=True)):
            row = passage.model_dump(include={"passage_id", "record_id", "title", "section", "text", "content_hash"})
            numbers = {"position": position, "start": passage.start, "end": passage.end}
            yield {**row, **numbers, "vector": np.frombuffer(vector, dtype=np.float32)}
