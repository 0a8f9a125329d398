"""Where results are kept: JSON files, written so that a kill leaves the old file or the new, never half.

Prefect's own local storage opens the target and writes into it, so that another process can meet half a reply there and
pay for it again.
"""

from __future__ import annotations

import errno
import json
import os
from itertools import count
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path
from prefect.filesystems import LocalFileSystem
from pydantic import ValidationError

from contract.calls import ModelReply
from contract.errors import StorageError
from contract.messages import AgentTrace

_numbers = count()


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

    def _resolve_path(self, path: str, validate: bool = False) -> Path:  # noqa: ARG002
        # Prefect's own asks the disk about every part of the path; names here are digests and need no such care.
        return Path(self.basepath or ".", path)


def cache_folder() -> Path:
    """Where indexes and results are kept unless the study says otherwise: the user's cache folder."""
    return user_cache_path("buttermilk", appauthor=False)


def result_folder(configured: Path | None) -> Path:
    """The folder of a study's results, made if need be: cells below `cells/`, model replies below `replies/`.

    Raises StorageError when nothing can be kept there.
    """
    folder = (configured or cache_folder() / "results").expanduser().absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise StorageError(
            f"cannot keep results in {folder}: {error.strerror}; set run.results=… to a folder that can be written"
        ) from error
    return folder


class KeptInResults:
    """The `ReplyStore` of `agents.llms.replies`, in the same folder as the cells."""

    def __init__(self, folder: ResultFolder) -> None:
        self._folder = folder

    async def get(self, key: str) -> ModelReply | None:
        """The reply kept under `key`, or None; one that cannot be read counts as none."""
        try:
            return ModelReply.model_validate_json(await self._folder.aread_path(reply_path(key)))
        except (FileNotFoundError, ValidationError):
            return None
        except OSError as error:
            raise StorageError(f"kept replies cannot be read: {error}") from error

    async def put(self, key: str, reply: ModelReply) -> None:
        """Keeps `reply`; when this returns, it outlives the process. Raises StorageError."""
        try:
            await self._folder.awrite_path(reply_path(key), reply.model_dump_json().encode())
        except OSError as error:
            raise StorageError(f"a reply cannot be kept: {error}") from error


def cell_path(key: str) -> str:
    """Where the result of the cell with that cache key is kept."""
    return f"cells/{key[:1]}/{key}"


def reply_path(key: str) -> str:
    """Where the reply to the request with that key is kept."""
    return f"replies/{key[:1]}/{key}"


def read_cell(path: Path) -> AgentTrace | None:
    """The cell that Prefect keeps there as the result of a task; None when there is none that can be read."""
    try:
        stored: Any = json.loads(path.read_bytes())
        return AgentTrace.model_validate(json.loads(stored["result"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
