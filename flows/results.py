"""Where results are kept: Prefect results as JSON, written so that a kill leaves the old file or the new, never half.

Prefect's own local storage opens the target and writes into it, so that another process can meet half a reply there and
pay for it again. For cells that does no harm, since their replies are kept apart.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from anyio import to_thread
from platformdirs import user_cache_path
from prefect.filesystems import LocalFileSystem
from prefect.results import ResultStore
from prefect.serializers import JSONSerializer

from contract.calls import ModelReply


class ResultFolder(LocalFileSystem):
    """A folder of results; each file appears whole or not at all."""

    _block_type_name = "Buttermilk result folder"

    async def awrite_path(self, path: str, content: bytes) -> str:
        """Writes beside the target, then renames over it."""
        return await to_thread.run_sync(self.write_path, path, content)

    def write_path(self, path: str, content: bytes) -> str:  # type: ignore[reportIncompatibleMethodOverride]
        """Writes beside the target, then renames over it."""
        target = self._resolve_path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, beside = tempfile.mkstemp(dir=target.parent, prefix=".writing-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            Path(beside).replace(target)
        except BaseException:
            Path(beside).unlink(missing_ok=True)
            raise
        return str(target)


def cache_folder() -> Path:
    """Where indexes and results are kept unless the study says otherwise: the user's cache folder."""
    return user_cache_path("buttermilk", appauthor=False)


def result_folder(configured: Path | None) -> Path:
    """The folder of a study's results, made if need be: cells below `cells/`, model replies below `replies/`."""
    folder = (configured or cache_folder() / "results").expanduser().absolute()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def result_store(folder: Path) -> ResultStore:
    """A Prefect result store over the folder that keeps nothing in memory."""
    return ResultStore(
        result_storage=ResultFolder(basepath=str(folder)), serializer=JSONSerializer(), cache_result_in_memory=False
    )


class KeptInResults:
    """The `ReplyStore` of `agents.llms.replies`, in the same Prefect result storage as the cells."""

    def __init__(self, store: ResultStore) -> None:
        self._store = store

    async def get(self, key: str) -> ModelReply | None:
        """The reply kept under `key`, or None."""
        path = _reply_path(key)
        if not await self._store.aexists(path):
            return None
        record: Any = await self._store.aread(path)
        return ModelReply.model_validate(record.result)

    async def put(self, key: str, reply: ModelReply) -> None:
        """Keeps `reply`; when this returns, it outlives the process."""
        await self._store.awrite(reply.model_dump(mode="json"), key=_reply_path(key))


def cell_path(key: str) -> str:
    """Where the result of the cell with that cache key is kept."""
    return f"cells/{key[:2]}/{key}"


def _reply_path(key: str) -> str:
    return f"replies/{key[:2]}/{key}"
