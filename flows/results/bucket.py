"""Bucket: results in Google Cloud Storage, shared by workers on any number of machines.

The first upload of a result counts: an upload that finds an object under its name does not change it. An object is
there whole or not at all.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from google.api_core.exceptions import GoogleAPICallError, NotFound, PreconditionFailed
from google.auth.exceptions import GoogleAuthError
from google.cloud import storage  # type: ignore[reportMissingTypeStubs]
from google.cloud.storage.retry import DEFAULT_RETRY  # type: ignore[reportMissingTypeStubs]
from prefect.filesystems import WritableFileSystem
from pydantic import PrivateAttr
from requests.exceptions import RequestException

from contract.errors import StorageError
from flows.files.cache import cache_folder
from flows.results.store import GCS_SCHEME

T = TypeVar("T")
_MAX_CONNECTIONS = 10
"""Most requests at the same time: as many as the client keeps connections."""
_TIMEOUT_SECONDS = (10.0, 60.0)
"""To connect, and to wait for an answer."""
_RETRY = DEFAULT_RETRY.with_timeout(120.0)
"""Temporary failures are tried again for this time. Every request here can be sent twice without harm."""


class ResultBucket(WritableFileSystem):
    """The objects of a bucket whose names begin with `prefix`; a `ResultStore`."""

    _block_type_name = "Buttermilk result bucket"

    name: str
    prefix: str = ""
    _bucket: Any = PrivateAttr(default=None)
    _threads: ThreadPoolExecutor = PrivateAttr(default_factory=lambda: ThreadPoolExecutor(_MAX_CONNECTIONS, "bucket"))

    @property
    def address(self) -> str:
        """The bucket and the prefix: `gs://bucket/prefix`."""
        return f"{GCS_SCHEME}{self.name}/{self.prefix}".rstrip("/")

    @property
    def journal_folder(self) -> Path:
        """A folder of this machine: objects cannot be written line by line."""
        return cache_folder() / "spend" / hashlib.sha256(f"{self.name}/{self.prefix}".encode()).hexdigest()[:16]

    def read(self, path: str) -> bytes:
        """The whole object. Raises FileNotFoundError."""
        with _as_os_errors(path):
            return self._blob(path).download_as_bytes(timeout=_TIMEOUT_SECONDS, retry=_RETRY)

    def put(self, path: str, content: bytes) -> None:
        """Writes the object; replaces one that is there."""
        with _as_os_errors(path):
            self._blob(path).upload_from_string(content, timeout=_TIMEOUT_SECONDS, retry=_RETRY)

    def create(self, path: str, content: bytes) -> bool:
        """Writes the object unless there is one; returns False if there is one.

        An upload whose answer was lost is sent again, and then finds its own object there.
        """
        try:
            with _as_os_errors(path):
                _upload_if_absent(self._blob(path).upload_from_string, content)
        except PreconditionFailed:
            return self.read_or_none(path) == content
        return True

    def read_or_none(self, path: str) -> bytes | None:
        """The whole object, or None."""
        try:
            return self.read(path)
        except FileNotFoundError:
            return None

    def remove(self, path: str) -> None:
        """Removes the object; does nothing if there is none."""
        try:
            with _as_os_errors(path):
                self._blob(path).delete(timeout=_TIMEOUT_SECONDS, retry=_RETRY)
        except FileNotFoundError:
            return

    def upload_file(self, path: str, file: Path) -> None:
        """Keeps a copy of a file of this machine, unless there is an object under that name."""
        try:
            with _as_os_errors(path):
                _upload_if_absent(self._blob(path).upload_from_filename, str(file))
        except PreconditionFailed:
            return

    def download_file(self, path: str, file: Path) -> None:
        """Copies an object to a file of this machine. Raises FileNotFoundError."""
        with _as_os_errors(path):
            self._blob(path).download_to_filename(str(file), timeout=_TIMEOUT_SECONDS, retry=_RETRY)

    def write_if_absent(self, path: str, content: bytes) -> str:
        """Writes a result unless there is one under that name; returns its address."""
        try:
            with _as_os_errors(path):
                _upload_if_absent(self._blob(path).upload_from_string, content)
        except PreconditionFailed:
            pass
        return f"{GCS_SCHEME}{self.name}/{self.prefix}{path}"

    async def aread_path(self, path: str) -> bytes:
        """As `read`, in a thread."""
        return await self._in_thread(self.read, path)

    async def awrite_path(self, path: str, content: bytes) -> str:
        """As `write_if_absent`, in a thread."""
        return await self._in_thread(self.write_if_absent, path, content)

    async def acreate(self, path: str, content: bytes) -> bool:
        """As `create`, in a thread."""
        return await self._in_thread(self.create, path, content)

    async def aremove(self, path: str) -> None:
        """As `remove`, in a thread."""
        await self._in_thread(self.remove, path)

    async def read_path(self, path: str) -> bytes:
        """As `aread_path`; Prefect needs it under both names."""
        return await self.aread_path(path)

    async def write_path(self, path: str, content: bytes) -> None:
        """As `awrite_path`."""
        await self.awrite_path(path, content)

    def _blob(self, path: str) -> Any:
        return self._bucket.blob(f"{self.prefix}{path}")

    async def _in_thread(self, function: Callable[..., T], *args: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, partial(function, *args))


def open_bucket(address: str, *, reading: bool = False) -> ResultBucket:
    """The results at `gs://bucket/prefix`, to be kept or only read. Raises StorageError when they cannot be reached."""
    name, _, prefix = address.removeprefix(GCS_SCHEME).partition("/")
    prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
    bucket = ResultBucket(name=name, prefix=prefix)
    try:
        with _as_os_errors(address):
            client: Any = storage.Client()
            bucket._bucket = client.bucket(name)  # type: ignore[reportPrivateUsage]
            # An account that may only use objects cannot ask for the bucket itself, but can list its objects.
            list(client.list_blobs(name, prefix=prefix, max_results=1, timeout=_TIMEOUT_SECONDS, retry=_RETRY))
    except (OSError, GoogleAuthError) as error:
        does, todo = ("read", "name") if reading else ("keep", "set run.results=… to")
        may = "read" if reading else "read and write"
        raise StorageError(
            f"cannot {does} results in {address}: {error}; {todo} a bucket that this account can {may}, "
            "or a folder. `gcloud auth application-default login` gives the account of a person"
        ) from error
    return bucket


@contextmanager
def _as_os_errors(path: str) -> Generator[None]:
    """Raises the client's errors as those of a folder, but PreconditionFailed, when an object is there, as itself."""
    try:
        yield
    except NotFound as error:
        raise FileNotFoundError(f"{path}: {error.message}") from error
    except PreconditionFailed:
        raise
    except (GoogleAPICallError, GoogleAuthError, RequestException) as error:
        raise OSError(f"{path}: {error}") from error


def _upload_if_absent(upload: Callable[..., None], content: object) -> None:
    upload(content, if_generation_match=0, timeout=_TIMEOUT_SECONDS, retry=_RETRY)
