"""Saving a run folder to GCS, so that saving it again changes nothing there.

Every object is written only where there is none (`if_generation_match=0`). One that is there with the same bytes is
left alone, and one with other bytes is never replaced. SHA256SUMS goes last: where it is, the whole folder is.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from contract.errors import StorageError
from contract.storage import GCSStorage
from flows.storage.gcp import plainly
from flows.storage.gcs import called, client_of, limits, target_of
from flows.sums import NAME as SUMS


def save_folder(storage: GCSStorage, folder: Path) -> str:
    """Saves every file of the finished run in `folder` to `<path>/<flow>/<run>/`; tells in a sentence what was done.

    Raises StorageError when it cannot be written, or an object with other bytes is there.
    """
    target = target_of(storage, "roles/storage.objectUser")
    place = f"{storage.path.rstrip('/')}/{folder.parent.name}/{folder.name}".lstrip("/")
    with plainly(target):
        bucket = client_of(storage, target).bucket(storage.bucket)
        there = _there(bucket, f"{place}/", storage)
        files = sorted(
            (path for path in folder.rglob("*") if path.is_file()), key=lambda path: (path.name == SUMS, path)
        )
        written = 0
        for path in files:
            name = f"{place}/{path.relative_to(folder).as_posix()}"
            written += _save(storage, bucket.blob(name), path, there.get(name))
    return f"{len(files)} files in {called(storage, place)}/, {written} of them new"


def _there(bucket: Any, prefix: str, storage: GCSStorage) -> Mapping[str, str]:
    """Name -> checksum of what is there already."""
    return {blob.name: str(blob.crc32c) for blob in bucket.list_blobs(prefix=prefix, **limits(storage))}


def _save(storage: GCSStorage, blob: Any, path: Path, there: str | None) -> bool:
    """Writes the object unless it is there with the same bytes; tells whether it did."""
    from google.api_core.exceptions import PreconditionFailed

    mine = crc32c(path)
    if there is None:
        try:
            # Retried safely: what a lost answer had written makes the next try fail by its precondition.
            blob.upload_from_filename(str(path), if_generation_match=0, checksum="crc32c", **limits(storage))
            return True
        except PreconditionFailed:
            blob.reload(**limits(storage))
            there = str(blob.crc32c)
    if there != mine:
        uri = called(storage, blob.name)
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
