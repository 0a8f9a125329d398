"""Where results are kept: JSON files in a folder, written so that a kill leaves the old file or the new, never half.

Prefect's own local storage opens the target and writes into it, so that another process can meet half a reply there and
pay for it again.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from platformdirs import user_cache_path
from prefect.filesystems import LocalFileSystem
from pydantic import ValidationError

from contract.calls import ModelReply
from contract.errors import StorageError
from contract.messages import AgentTrace

if TYPE_CHECKING:
    from flows.results.locks import Locks

BUCKETS = "gs://"
"""How the address of a bucket begins."""
_numbers = count()


class ResultStore(Protocol):
    """A folder or a bucket of results. Paths are relative, with `/` between their parts.

    What is written is there whole or not at all. Raises OSError where the storage does not do its part.
    """

    @property
    def journals(self) -> Path:
        """A folder of this machine for what is written line by line."""
        ...

    def read(self, path: str) -> bytes:
        """The whole file. Raises FileNotFoundError."""
        ...

    def put(self, path: str, content: bytes) -> None:
        """Writes over whatever is there."""
        ...

    def create(self, path: str, content: bytes) -> bool:
        """Writes it unless there is one already, whoever else tries at the same time; False where there is."""
        ...

    def remove(self, path: str) -> None:
        """Takes it away; one that is not there is no mistake."""
        ...

    def send(self, path: str, file: Path) -> None:
        """Keeps a copy of a file of this machine, however large."""
        ...

    def receive(self, path: str, file: Path) -> None:
        """Writes what is kept to a file of this machine. Raises FileNotFoundError."""
        ...

    async def aread_path(self, path: str) -> bytes:
        """As `read`, without holding up the loop where reading takes long."""
        ...

    async def awrite_path(self, path: str, content: bytes) -> str:
        """Keeps a result; gives its address."""
        ...

    async def acreate(self, path: str, content: bytes) -> bool:
        """As `create`, without holding up the loop."""
        ...

    async def aremove(self, path: str) -> None:
        """As `remove`, without holding up the loop."""
        ...


class ResultFolder(LocalFileSystem):
    """A folder of results, whose absolute path is `basepath`; each file appears whole or not at all.

    Files are small, so they are read and written at once: handing them to a thread costs more than the disk does.
    """

    _block_type_name = "Buttermilk result folder"

    @classmethod
    def at(cls, folder: Path) -> ResultFolder:
        """The result folder there."""
        return cls(basepath=str(folder))

    async def aread_path(self, path: str) -> bytes:
        """The whole file. Raises FileNotFoundError."""
        return self._resolve_path(path).read_bytes()

    async def awrite_path(self, path: str, content: bytes) -> str:
        """Writes beside the target, then renames over it."""
        return self.write_path(path, content)

    def write_path(self, path: str, content: bytes) -> str:  # type: ignore[reportIncompatibleMethodOverride]
        """Writes beside the target, then renames over it."""
        target = self._resolve_path(path)
        beside = target.with_name(f".writing-{target.name}-{os.getpid()}-{next(_numbers)}")
        try:
            try:
                beside.write_bytes(content)
            except FileNotFoundError:
                target.parent.mkdir(parents=True, exist_ok=True)
                beside.write_bytes(content)
            beside.replace(target)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
        return str(target)

    @property
    def journals(self) -> Path:
        """A folder of this machine for what is written line by line."""
        return self._resolve_path("spend")

    def read(self, path: str) -> bytes:
        """The whole file. Raises FileNotFoundError."""
        return self._resolve_path(path).read_bytes()

    def put(self, path: str, content: bytes) -> None:
        """Writes over whatever is there."""
        self.write_path(path, content)

    def create(self, path: str, content: bytes) -> bool:
        """Writes it unless there is one already, whoever else tries at the same time; False where there is."""
        target = self._resolve_path(path)
        try:
            opened = os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
        except FileExistsError:
            return False
        except FileNotFoundError:
            target.parent.mkdir(parents=True, exist_ok=True)
            return self.create(path, content)
        with os.fdopen(opened, "wb") as file:
            file.write(content)
        return True

    def remove(self, path: str) -> None:
        """Takes it away; one that is not there is no mistake."""
        self._resolve_path(path).unlink(missing_ok=True)

    def send(self, path: str, file: Path) -> None:
        """Keeps a copy of a file of this machine."""
        target = self._resolve_path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = target.with_name(f".writing-{target.name}-{os.getpid()}-{next(_numbers)}")
        shutil.copyfile(file, beside)
        beside.replace(target)

    def receive(self, path: str, file: Path) -> None:
        """Writes what is kept to a file of this machine. Raises FileNotFoundError."""
        shutil.copyfile(self._resolve_path(path), file)

    async def acreate(self, path: str, content: bytes) -> bool:
        """As `create`."""
        return self.create(path, content)

    async def aremove(self, path: str) -> None:
        """As `remove`."""
        self.remove(path)

    def _resolve_path(self, path: str, validate: bool = False) -> Path:  # noqa: ARG002
        # Prefect's own asks the disk about every part of the path; names here are digests and need no such care.
        return Path(self.basepath or ".", path)


def cache_folder() -> Path:
    """Where indexes and results are kept unless the study says otherwise: the user's cache folder."""
    return user_cache_path("buttermilk", appauthor=False)


def result_store(configured: str | None) -> ResultStore:
    """Where a study's results are kept: cells below `cells/`, model replies below `replies/`.

    A folder is made if need be. Raises StorageError when nothing can be kept there.
    """
    if configured and configured.startswith(BUCKETS):
        from flows.results.bucket import open_bucket

        return open_bucket(configured)
    folder = (Path(configured) if configured else cache_folder() / "results").expanduser().absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise StorageError(
            f"cannot keep results in {folder}: {error.strerror}; set run.results=… to a folder that can be written"
        ) from error
    return ResultFolder.at(folder)


class KeptInResults:
    """The `ReplyStore` of `agents.llms.replies`, in the same place as the cells.

    With `locks`, other processes may share the place: each request is then asked by one of them at a time.
    """

    def __init__(self, store: ResultStore, locks: Locks | None = None) -> None:
        self._store = store
        self._locks = locks

    async def get(self, key: str) -> ModelReply | None:
        """The reply kept under `key`, or None; one that cannot be read counts as none."""
        try:
            return ModelReply.model_validate_json(await self._store.aread_path(reply_path(key)))
        except (FileNotFoundError, ValidationError):
            return None
        except OSError as error:
            raise StorageError(f"kept replies cannot be read: {error}") from error

    async def put(self, key: str, reply: ModelReply) -> None:
        """Keeps `reply`; when this returns, it outlives the process. Raises StorageError."""
        try:
            await self._store.awrite_path(reply_path(key), reply.model_dump_json().encode())
        except OSError as error:
            raise StorageError(f"a reply cannot be kept: {error}") from error

    @asynccontextmanager
    async def alone(self, key: str) -> AsyncGenerator[bool]:
        """True when somebody else may have kept the reply since it was looked up; nobody else asks meanwhile."""
        if self._locks is None:
            yield False
            return
        async with self._locks.alone(key):
            yield True


def cell_path(key: str) -> str:
    """Where the result of the cell with that cache key is kept."""
    return f"cells/{key[:1]}/{key}"


def reply_path(key: str) -> str:
    """Where the reply to the request with that key is kept."""
    return f"replies/{key[:1]}/{key}"


def read_cell(store: ResultStore, key: str) -> AgentTrace | None:
    """The cell that Prefect keeps there as the result of a task; None when there is none that can be read."""
    try:
        stored: Any = json.loads(store.read(cell_path(key)))
        return AgentTrace.model_validate_json(stored["result"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
