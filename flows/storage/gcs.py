"""Reads rows of objects in a Cloud Storage bucket; one object at a time is downloaded to this disk.

for row in object_rows(GCSStorage(bucket="my-bucket", path="posts/march.jsonl")):
    ...

An object is read exactly as a file of that name would be. Below a prefix, the ids of texts are their names under it, as
in a folder; tables, such as the parts of an export, are read one after the other.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from contract.errors import StorageError
from contract.storage import BucketPlace, FileStorage, GCSStorage, TableFormat
from flows.storage.bigquery import format_bytes
from flows.storage.documents import DOCUMENT_SUFFIXES
from flows.storage.file import file_rows
from flows.storage.google_cloud import RETRY_SECONDS, Target, as_storage_errors, client_settings
from flows.storage.rows import Reject, Rows


def object_uri(storage: BucketPlace, name: str | None = None) -> str:
    """The `gs://` address of the object, or of the object `name` in that bucket."""
    return f"gs://{storage.bucket}/{storage.path if name is None else name}"


def target_of(storage: BucketPlace, roles: str) -> Target:
    """The object or prefix as the target of requests, named in their errors; `roles` is what the account needs."""
    return Target(
        object_uri(storage), f"{roles} on the bucket {storage.bucket}", storage.endpoint, storage.timeout_seconds
    )


def client_of(storage: BucketPlace, target: Target) -> Any:
    """A client with a time limit on every request. Raises StorageError without credentials."""
    from google.cloud import storage as library  # type: ignore[reportMissingTypeStubs]

    gcs: Any = library
    return gcs.Client(**client_settings(target, storage.project))


def request_options(storage: BucketPlace) -> dict[str, Any]:
    """Keyword arguments for every call: the time limit of a request, and how long it is tried again."""
    from google.cloud.storage.retry import DEFAULT_RETRY  # type: ignore[reportMissingTypeStubs]

    return {"timeout": storage.timeout_seconds, "retry": DEFAULT_RETRY.with_timeout(RETRY_SECONDS)}


def object_rows(storage: GCSStorage) -> Rows:
    """Every row of the object, or of all objects below the prefix in the order of their names.

    Raises StorageError when there is none, when they are larger than `most_bytes`, or when one cannot be read.
    """
    target = target_of(storage, "roles/storage.objectViewer")
    with as_storage_errors(target):
        client = client_of(storage, target)
        blobs = _list_objects(storage, client)
        total = sum(int(blob.size or 0) for blob in blobs)
        if total > storage.most_bytes:
            raise StorageError(
                f"{object_uri(storage)} holds {format_bytes(total)}, more than `most_bytes` allows "
                f"({format_bytes(storage.most_bytes)}); "
                "name a part of it, or raise `most_bytes`"
            )
        for blob in blobs:
            yield from _object_rows(storage, blob)


def object_generations(storage: GCSStorage) -> list[list[str]]:
    """Name, generation and checksum of every object that would be read, which change when the records do.

    Raises StorageError as `object_rows` does.
    """
    target = target_of(storage, "roles/storage.objectViewer")
    with as_storage_errors(target):
        found = _list_objects(storage, client_of(storage, target))
        return [[str(blob.name), str(blob.generation), str(blob.crc32c)] for blob in found]


def _list_objects(storage: GCSStorage, client: Any) -> Sequence[Any]:
    options = request_options(storage)
    if not storage.path.endswith("/") and storage.path:
        blob = client.bucket(storage.bucket).get_blob(storage.path, **options)
        if blob is None:
            raise StorageError(
                f"there is no object {object_uri(storage)}, no such bucket, or this account may not see it; "
                "for all objects below a prefix, end `path:` with /"
            )
        return [blob]
    found = client.list_blobs(storage.bucket, prefix=storage.path or None, **options)
    blobs = [blob for blob in found if not str(blob.name).endswith("/")]
    if not blobs:
        raise StorageError(f"there are no objects below {object_uri(storage)}")
    return sorted(blobs, key=lambda blob: str(blob.name))


def _object_rows(storage: GCSStorage, blob: Any) -> Rows:
    name = str(blob.name)
    uri = object_uri(storage, name)
    # A single object is named by its last part, like a file.
    folder = storage.path if storage.path.endswith("/") else storage.path.rpartition("/")[0]
    relative_path = safe_path(name.removeprefix(folder).lstrip("/"))
    if relative_path is None:
        yield Reject(0, "its name would lead out of a folder, so it was not read", "", uri)
        return
    with tempfile.TemporaryDirectory(prefix="buttermilk-") as temporary_folder:
        path = Path(temporary_folder) / relative_path
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            blob.download_to_file(
                file, if_generation_match=blob.generation, checksum="crc32c", **request_options(storage)
            )
        yield from _downloaded_rows(storage, path, Path(temporary_folder), uri)


def safe_path(name: str) -> Path | None:
    """The object's name as a path within a folder; None when it would lead out of it."""
    path = PurePosixPath(name)
    sound = name and not path.is_absolute() and all(part not in ("..", ".") for part in name.split("/"))
    return Path(*path.parts) if sound and "\\" not in name and "\x00" not in name else None


def _downloaded_rows(storage: GCSStorage, path: Path, folder: Path, uri: str) -> Rows:
    text = path.suffix.lower() in DOCUMENT_SUFFIXES and storage.path.endswith("/")
    # Nobody is told before a run what a guess about an object was, so its first row names the columns.
    settings = {**storage.model_dump(include=set(TableFormat.model_fields)), "rows": storage.rows or "whole"}
    settings["header"] = storage.header or "1"
    file = FileStorage.model_validate({"path": folder if text else path, "columns": storage.columns, **settings})
    try:
        for row in file_rows(file):
            yield replace(row, source=uri)
    except StorageError as error:
        raise StorageError(str(error).replace(str(path), uri).replace(str(folder), uri)) from error
