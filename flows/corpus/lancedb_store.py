"""Vector store: the passages of a corpus in LanceDB, in a folder or a bucket.

Tables: `passages` (text, offsets and vector), `records` (one row a document, with the hash that says whether it
changed), `waiting` (vectors of long documents that are not whole yet), `rejects` and `meta`. A record counts as
indexed once it is in `records`, which is written after its passages; what a kill leaves between the two is put right
by the next pass, without embedding it again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contract.findings import Passage, Source
from contract.storage import VectorStorage
from flows.corpus.lancedb_search import VectorSearch
from flows.corpus.lancedb_tables import VectorTables, among, pieces
from flows.corpus.pass_notes import PassNotes
from flows.corpus.passage_store import Indexed, Vectored
from flows.storage.rows import Reject
from flows.storage.values import library

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_FLOAT = 4
"""Bytes of a number of a vector."""


class VectorStore:
    """One open collection; a `BuildStore` and a `SearchStore`. Searches may share it between threads."""

    batch = 1024

    def __init__(self, config: VectorStorage, name: str, folder: Path) -> None:
        """Opens or makes the collection `name` at the configured place.

        `folder` is this machine's, for a note of how the source looked. Raises StorageError.
        """
        self._tables = VectorTables(f"{config.path.rstrip('/')}/{name}", config.endpoint)
        self._pa = library("pyarrow", "vector", "a vector collection")
        self._search = VectorSearch(self._tables, config.exact_below)
        self._note = folder / f"{name}.looked"
        self._notes: PassNotes | None = None
        self._meta: dict[str, str] = {}

    def close(self) -> None:
        """Nothing is held open between calls; what a pass noted is let go."""
        if self._notes:
            self._notes.close()
            self._notes = None

    # --- writing ---

    def get(self, key: str) -> str | None:
        """A value kept under `key`."""
        return self._meta.get(key)

    def put(self, values: Mapping[str, str]) -> None:
        """Keeps those values, together."""
        self._tables.make("meta", self._texts("key", "value"))
        rows = [{"key": key, "value": value} for key, value in values.items()]
        self._tables.put("meta", "key", self._pa.Table.from_pylist(rows, schema=self._texts("key", "value")))
        self._meta |= values

    def is_current(self, looked: str) -> bool:
        """Whether the collection holds all of the source that looked so, here, by `finish`."""
        # Another process may have built it while this one waited.
        self._look()
        held = self.get("content")
        try:
            return bool(held) and json.loads(self._note.read_text(encoding="utf-8")) == [held, looked]
        except (OSError, ValueError):
            return False

    def finish(self, content: str, looked: str) -> None:
        """Notes which content the collection holds now, and on this machine how its source looks."""
        if self.get("content") != content:
            self.put({"content": content})
        temporary = self._note.with_suffix(".new")
        temporary.write_text(json.dumps([content, looked]), encoding="utf-8")
        temporary.replace(self._note)

    def begin_pass(self) -> None:
        """Starts a pass over the source; `end_pass` removes what the pass did not see."""
        self.close()
        self._look()
        self._notes = PassNotes(self._held())

    def see(self, record_id: str) -> None:
        """Notes that the source still holds this record."""
        self._noted().see(record_id)

    def hash_of(self, record_id: str) -> str | None:
        """The hash under which the record was indexed before this pass, or None."""
        return self._noted().hash_of(record_id)

    def vectors_of(self, record_ids: Sequence[str]) -> Iterator[Vectored]:
        """All that was embedded of those records so far."""
        columns = ["record_id", "title", "text", "vector"]
        for found in self._tables.among("passages", "record_id", record_ids, columns):
            for row, vector in zip(found.drop_columns(["vector"]).to_pylist(), _vectors(found), strict=True):
                yield row["record_id"], f"{row['title']}. {row['text']}", vector.tobytes()
        for found in self._tables.among("waiting", "record_id", record_ids, ["record_id", "embedded", "vector"]):
            for row in found.to_pylist():
                yield row["record_id"], row["embedded"], row["vector"]

    def hold(self, rows: Iterable[Vectored]) -> None:
        """Keeps vectors of records that are not whole yet; `replace` lets them go."""
        fields = [*self._texts("record_id", "embedded"), self._pa.field("vector", self._pa.binary())]
        schema = self._pa.schema(fields)
        made = [{"record_id": name, "embedded": text, "vector": vector} for name, text, vector in rows]
        table = self._tables.make("waiting", schema)
        with self._tables.plainly():
            table.add(self._pa.Table.from_pylist(made, schema=schema))

    def replace(self, batch: Sequence[Indexed]) -> None:
        """Puts the records and their passages in the place of what was there of them."""
        ids = [one.record.record_id for one in batch]
        if (vector := next((vector for one in batch for vector in one.vectors), None)) is not None:
            self._replace_passages(batch, ids, len(vector) // _FLOAT)
        else:
            self._tables.delete("passages", "record_id", ids)
        schema = self._texts("record_id", "hash", "title", "date", "uri", "metadata")
        self._tables.make("records", schema)
        rows = [_record_row(one) for one in batch]
        self._tables.put("records", "record_id", self._pa.Table.from_pylist(rows, schema=schema))
        if self._tables.count("waiting"):
            self._tables.delete("waiting", "record_id", ids)

    def end_pass(self, rejects: Sequence[Reject]) -> None:
        """Deletes the records that the source no longer holds, and keeps the rows that could not be indexed."""
        for gone in pieces(self._noted().gone()):
            self._tables.delete("passages", "record_id", gone)
            self._tables.delete("records", "record_id", gone)
        self._tables.clear("waiting")
        fields = [self._pa.field("line", self._pa.int64()), *self._texts("reason", "raw", "source")]
        rows = [{"line": one.line, "reason": one.reason, "raw": one.raw, "source": one.source} for one in rejects]
        self._tables.rewrite("rejects", self._pa.Table.from_pylist(rows, schema=self._pa.schema(fields)))
        self._search.prepare()
        self.close()

    def hashes(self) -> Iterator[tuple[str, str]]:
        """Record ids and hashes, in the order of the ids."""
        notes = PassNotes(self._held())
        yield from notes.in_order()
        notes.close()

    def _replace_passages(self, batch: Sequence[Indexed], ids: Sequence[str], dimensions: int) -> None:
        pa = self._pa
        integers = [pa.field(name, pa.int64()) for name in ("position", "start", "end")]
        texts = self._texts("passage_id", "record_id", "title", "section", "text", "content_hash")
        schema = pa.schema([*texts, *integers, pa.field("vector", pa.list_(pa.float32(), dimensions))])
        table = self._tables.make("passages", schema)
        rows = pa.Table.from_pylist(list(_passage_rows(batch)), schema=schema)
        with self._tables.plainly():
            merge = table.merge_insert("passage_id").when_matched_update_all().when_not_matched_insert_all()
            merge.when_not_matched_by_source_delete(among("record_id", ids)).execute(rows)

    def _look(self) -> None:
        self._tables.look()
        self._meta = {row["key"]: row["value"] for row in self._tables.rows("meta", ["key", "value"])}

    def _held(self) -> Iterator[tuple[str, str]]:
        return ((row["record_id"], row["hash"]) for row in self._tables.rows("records", ["record_id", "hash"]))

    def _noted(self) -> PassNotes:
        if self._notes is None:
            raise RuntimeError("a pass has to begin first")
        return self._notes

    def _texts(self, *names: str) -> Any:
        return self._pa.schema([self._pa.field(name, self._pa.string()) for name in names])

    # --- reading ---

    def hold_still(self) -> None:
        """From now on searches see the collection as it is now, whatever others make of it; nothing can be written."""
        self._tables.hold_still()

    def nearest(self, vectors: NDArray[np.float32], depth: int) -> list[list[str]]:
        """For each vector the passages nearest to it, nearest first."""
        return [self._search.nearest(vector, depth) for vector in vectors]

    def matching(self, phrases: Sequence[str], depth: int) -> list[str]:
        """Ids of the passages that hold any of the phrases, best first by BM25; titles count twice."""
        return self._search.matching(phrases, depth)

    def siblings(self, key: str) -> list[str]:
        """Ids of all passages of the document that this passage is of, in reading order."""
        return self._search.siblings(key)

    def similarity(self, keys: Sequence[str], vectors: NDArray[np.float32]) -> dict[str, float]:
        """The highest cosine of each passage with any of the vectors."""
        found: dict[str, float] = {}
        for some in self._tables.among("passages", "passage_id", keys, ["passage_id", "vector"]):
            if some.num_rows:
                cosines = (vectors @ _vectors(some).T).max(axis=0)
                found |= zip(some["passage_id"].to_pylist(), cosines.tolist(), strict=True)
        return found

    def passages(self, keys: Sequence[str]) -> dict[str, Passage]:
        """Those passages; one whose record was removed meanwhile is missing."""
        columns = ["passage_id", "record_id", "title", "section", "text", "start", "end", "content_hash"]
        rows = [row for some in self._tables.among("passages", "passage_id", keys, columns) for row in some.to_pylist()]
        ids = dict.fromkeys(row["record_id"] for row in rows)
        wanted = ["record_id", "uri", "date", "metadata"]
        records = {
            row.pop("record_id"): {**row, "metadata": json.loads(row["metadata"])}
            for some in self._tables.among("records", "record_id", ids, wanted)
            for row in some.to_pylist()
        }
        known = [row for row in rows if row["record_id"] in records]
        return {row["passage_id"]: Passage(**row, **records[row["record_id"]]) for row in known}

    def counts(self) -> tuple[int, int]:
        """How many records and passages there are."""
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


def _record_row(one: Indexed) -> dict[str, Any]:
    record = one.record
    return {
        "record_id": record.record_id,
        "hash": record.fingerprint,
        "title": record.title or record.record_id,
        "date": one.passages[0].date if one.passages else None,
        "uri": record.uri,
        "metadata": json.dumps(record.model_dump(mode="json")["metadata"], ensure_ascii=False),
    }


def _passage_rows(batch: Sequence[Indexed]) -> Iterator[dict[str, Any]]:
    import numpy as np

    for one in batch:
        for position, (passage, vector) in enumerate(zip(one.passages, one.vectors, strict=True)):
            row = passage.model_dump(include={"passage_id", "record_id", "title", "section", "text", "content_hash"})
            numbers = {"position": position, "start": passage.start, "end": passage.end}
            yield {**row, **numbers, "vector": np.frombuffer(vector, dtype=np.float32)}
