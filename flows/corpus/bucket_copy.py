"""Keeps a copy of a corpus's index in a bucket, so that other machines find its vectors there.

    update_index(store, lock, config, embedder, progress, BucketCopy(store, path, location, on_note))

The copy gives only vectors, for texts that are the same word for word: a machine always searches and quotes its own
source. The copy is replaced only if it is unchanged since it was last seen (`if_generation_match`), and only by
an index that holds more. If two machines upload at once, the second keeps its own index, and compares again the next
time the corpus is opened.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from contract.errors import StorageError
from contract.storage import BucketPlace
from flows.corpus.build import SCHEMA_VERSION
from flows.corpus.passage_store import TextVector
from flows.corpus.sqlite_schema import database_schema, is_index_schema
from flows.corpus.sqlite_store import SqliteStore, vectors_of
from flows.storage.gcs import client_of, object_uri, request_options, target_of
from flows.storage.gcs_save import crc32c
from flows.storage.google_cloud import as_storage_errors

NoteCallback = Callable[[str], None]
"""Called with a sentence that the scholar should read."""
_MAX_ATTEMPTS = 3
_NORM_TOLERANCE = 0.01
"""How far the length of a vector may be from 1."""
_READ_ROLE = "roles/storage.objectViewer"
_WRITE_ROLE = "roles/storage.objectUser"


@dataclass(frozen=True)
class CopyLocation:
    """Where the copy is, and which corpus and embedding model it must be of."""

    place: BucketPlace
    """The object itself."""
    label: str
    embedder: str
    """The fingerprint of the embedder that makes the vectors."""


class BucketCopy:
    """The copy of one index; a `RemoteCopy`. Sends a request to the bucket only when it must."""

    def __init__(self, store: SqliteStore, path: Path, location: CopyLocation, on_note: NoteCallback) -> None:
        self._store = store
        self._location = location
        self._on_note = on_note
        self._download_path = path.with_suffix(".fetched")
        self._upload_path = path.with_suffix(".sending")
        self._blob: Any = None
        self._is_looked_up = False
        self._is_unusable = False
        self._vectors: FetchedVectors | None = None

    def close(self) -> None:
        """Deletes what was fetched. Only the process that builds may fetch: the files' names are for one."""
        if self._vectors:
            self._vectors.close()
            self._vectors = None
        self._download_path.unlink(missing_ok=True)
        self._upload_path.unlink(missing_ok=True)

    @property
    def uri(self) -> str:
        """The `gs://` address of the copy."""
        return object_uri(self._location.place)

    @property
    def is_up_to_date(self) -> bool:
        """Whether the copy held all of the index when last seen."""
        _, _, fingerprint = (self._store.get_meta(self._meta_key) or "").partition(" ")
        return fingerprint != "" and fingerprint == self._store.get_meta("fingerprint")

    def fetch_vectors(self) -> FetchedVectors | None:
        """The vectors of the copy, fetched unless this index has them all already; None when none can be used.

        Raises StorageError when the bucket cannot be read.
        """
        if self._vectors is None and not self._is_unusable and self._find_blob() and not self._is_known_generation():
            self._fetch_copy()
        return self._vectors

    def upload(self) -> None:
        """Replaces the copy by the index where that holds more; a failure is noted, and the next run tries again."""
        try:
            if self._covers_index():
                self._record_generation(str(self._blob.generation))
            else:
                self._upload_index()
        except StorageError as error:
            self._on_note(
                f"the index of '{self._location.label}' could not be kept in the bucket: {str(error).rstrip('.')}. "
                "It is whole on this machine, and the next run tries again"
            )

    @property
    def _meta_key(self) -> str:
        return f"kept {self.uri}"

    def _record_generation(self, generation: str) -> None:
        self._store.set_meta({self._meta_key: f"{generation} {self._store.get_meta('fingerprint')}"})

    def _is_known_generation(self) -> bool:
        return (self._store.get_meta(self._meta_key) or "").partition(" ")[0] == str(self._blob.generation)

    def _covers_index(self) -> bool:
        if not self._find_blob() or self._is_unusable:
            return False
        if cast("dict[str, str]", self._blob.metadata or {}).get("fingerprint") == self._store.get_meta("fingerprint"):
            return True
        known = self.fetch_vectors()
        return known is not None and not self._store.has_vectors_missing_from(self._download_path)

    def _bucket(self, roles: str) -> Any:
        place = self._location.place
        return client_of(place, target_of(place, roles)).bucket(place.bucket)

    def _find_blob(self, *, refresh: bool = False) -> bool:
        """Whether there is a copy; asks the bucket once, unless `refresh`."""
        if self._is_looked_up and not refresh:
            return self._blob is not None
        place = self._location.place
        with as_storage_errors(target_of(place, _WRITE_ROLE)):
            bucket = self._bucket(_WRITE_ROLE)
            self._blob = bucket.get_blob(place.path, **request_options(place))
            if self._blob is None:
                # Fails now, before anything is embedded, if there is no bucket.
                list(bucket.list_blobs(prefix=place.path, max_results=1, **request_options(place)))
        self._is_looked_up = True
        return self._blob is not None

    def _fetch_copy(self) -> None:
        for _ in range(_MAX_ATTEMPTS):
            if self._download():
                self._open_download()
                return
            # Another machine has replaced the copy meanwhile.
            if not self._find_blob(refresh=True):
                return
        raise StorageError(f"{self.uri} changes faster than it can be fetched; try again later")

    def _download(self) -> bool:
        """Fetches the generation that was last seen; False when it is no longer there."""
        from google.api_core.exceptions import NotFound

        place = self._location.place
        with as_storage_errors(target_of(place, _READ_ROLE)), self._download_path.open("wb") as file:
            blob = self._bucket(_READ_ROLE).blob(place.path, generation=self._blob.generation)
            try:
                blob.download_to_file(file, checksum="crc32c", **request_options(place))
            except NotFound:
                return False
        return True

    def _open_download(self) -> None:
        try:
            self._vectors = FetchedVectors(self._download_path, self._location.embedder)
        except StorageError as error:
            self._is_unusable = True
            self._on_note(f"{self.uri} is not used: {error}. The index is built here and put in its place")

    def _upload_index(self) -> None:
        from google.api_core.exceptions import PreconditionFailed

        place = self._location.place
        # A killed process may have left one.
        self._upload_path.unlink(missing_ok=True)
        self._store.export_to(self._upload_path)
        generation = self._blob.generation if self._blob is not None else 0
        with as_storage_errors(target_of(place, _WRITE_ROLE)):
            blob = self._bucket(_WRITE_ROLE).blob(place.path)
            blob.metadata = {"fingerprint": self._store.get_meta("fingerprint")}
            try:
                # A retry is safe: if the answer to a write was lost, the precondition makes the next try fail.
                blob.upload_from_filename(
                    str(self._upload_path), if_generation_match=generation, checksum="crc32c", **request_options(place)
                )
            except PreconditionFailed:
                blob.reload(**request_options(place))
                if str(blob.crc32c) != crc32c(self._upload_path):
                    self._on_note(
                        f"somebody else has put another index in {self.uri} meanwhile, which was left as it is; "
                        "this run uses its own, and the next one brings the two together"
                    )
                    return
        self._record_generation(str(blob.generation))


class FetchedVectors:
    """The vectors of a fetched index; a `KnownVectors`."""

    def __init__(self, path: Path, embedder: str) -> None:
        """Opens the file for reading. Raises StorageError when it is no valid index, or of another embedding model."""
        try:
            self._db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        except sqlite3.Error as error:
            raise StorageError(f"it cannot be opened ({error})") from error
        try:
            self._validate(embedder)
        except sqlite3.Error as error:
            self._db.close()
            raise StorageError(f"it is not a valid SQLite file ({error})") from error
        except StorageError:
            self._db.close()
            raise

    def close(self) -> None:
        """Closes the file."""
        self._db.close()

    def vectors_of(self, record_ids: Sequence[str]) -> Iterator[TextVector]:
        """All that was embedded of those records; a vector whose length is not 1 is left out."""
        for name, text, vector in vectors_of(self._db, record_ids):
            if _is_unit_vector(vector):
                yield name, text, vector

    def _validate(self, embedder: str) -> None:
        # Checked before any other query: a file from elsewhere may hold views and triggers of its own.
        if not is_index_schema(database_schema(self._db)):
            raise StorageError("its tables are not those of an index of this version")
        if (result := self._db.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
            raise StorageError(f"it is not a valid SQLite file ({result})")
        meta = dict(self._db.execute("SELECT key, value FROM meta"))
        if meta.get("schema") != SCHEMA_VERSION or not meta.get("fingerprint"):
            raise StorageError("it is not a whole index of this version")
        if meta.get("embedder") != embedder:
            raise StorageError("its vectors are those of another embedding model")
        shortest, longest = self._db.execute("SELECT min(length(vector)), max(length(vector)) FROM passages").fetchone()
        if shortest != longest or (shortest or 0) % 4:
            raise StorageError("its vectors are not of one length")


def _is_unit_vector(content: bytes) -> bool:
    import numpy as np

    length = float(np.linalg.norm(np.frombuffer(content, dtype=np.float32)))
    return abs(length - 1) < _NORM_TOLERANCE
