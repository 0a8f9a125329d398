"""Saves a run folder to Cloud Storage; saving it again changes nothing there.

An object is written only where there is none (`if_generation_match=0`). An existing object with the same bytes is left
as it is, and one with other bytes is never replaced. SHA256SUMS is written last: where it is, the folder is complete.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from contract.errors import StorageError
from contract.storage import GCSStorage
from flows.files.checksums import SUMS_FILE as SUMS
from flows.storage.gcs import client_of, object_uri, request_options, target_of
from flows.storage.google_cloud import as_storage_errors


def save_folder(storage: GCSStorage, folder: Path) -> str:
    """Saves every file of the finished run in `folder` to `<path>/<flow>/<run>/`; returns a sentence on what was done.

    Also completes an earlier run of the flow whose saving was cut off, if its folder is still beside this one. Raises
    StorageError when something cannot be written, or when an object exists with other bytes.
    """
    target = target_of(storage, "roles/storage.objectUser")
    prefix = f"{storage.path.rstrip('/')}/{folder.parent.name}".lstrip("/")
    with as_storage_errors(target):
        bucket = client_of(storage, target).bucket(storage.bucket)
        existing = {
            str(blob.name).removeprefix(f"{prefix}/"): str(blob.crc32c)
            for blob in bucket.list_blobs(prefix=f"{prefix}/", **request_options(storage))
        }
        incomplete = _incomplete_runs(existing, folder)
        for earlier in incomplete:
            _save_files(storage, bucket, prefix, earlier, existing)
        number, written = _save_files(storage, bucket, prefix, folder, existing)
    also = f"; {', '.join(path.name for path in incomplete)}, cut off before, is whole now" if incomplete else ""
    return f"{number} files in {object_uri(storage, prefix)}/{folder.name}/, {written} of them new{also}"


def _incomplete_runs(existing: Mapping[str, str], folder: Path) -> Sequence[Path]:
    """Folders of earlier runs that are only partly in the bucket, and still complete on this machine."""
    runs = {name.partition("/")[0] for name in existing} - {folder.name}
    found = (folder.parent / run for run in sorted(runs) if f"{run}/{SUMS}" not in existing)
    return [path for path in found if (path / SUMS).is_file()]


def _save_files(
    storage: GCSStorage, bucket: Any, prefix: str, folder: Path, existing: Mapping[str, str]
) -> tuple[int, int]:
    """Saves a folder's files; returns how many there are, and how many of them were new."""
    files = sorted((path for path in folder.rglob("*") if path.is_file()), key=lambda path: (path.name == SUMS, path))
    written = 0
    for path in files:
        name = f"{folder.name}/{path.relative_to(folder).as_posix()}"
        written += _save_object(storage, bucket.blob(f"{prefix}/{name}"), path, existing.get(name))
    return len(files), written


def _save_object(storage: GCSStorage, blob: Any, path: Path, existing_checksum: str | None) -> bool:
    """Writes the object unless it exists with the same bytes; returns whether it wrote.

    Raises StorageError when it exists with other bytes.
    """
    from google.api_core.exceptions import PreconditionFailed

    checksum = crc32c(path)
    if existing_checksum is None:
        try:
            # A retry is safe: if the answer to a write was lost, the precondition makes the next try fail.
            blob.upload_from_filename(str(path), if_generation_match=0, checksum="crc32c", **request_options(storage))
            return True
        except PreconditionFailed:
            blob.reload(**request_options(storage))
            existing_checksum = str(blob.crc32c)
    if existing_checksum != checksum:
        uri = object_uri(storage, blob.name)
        raise StorageError(
            f"{uri} is there with other bytes; nothing was overwritten. Remove it, or save to another path"
        )
    return False


def crc32c(path: Path) -> str:
    """The file's CRC-32C as the service writes it: base64, most significant byte first."""
    import google_crc32c

    sum_: Any = google_crc32c.Checksum()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            sum_.update(chunk)
    return base64.b64encode(sum_.digest()).decode("ascii")
