"""Keeps what tools returned, by content address: tool, definition, arguments and what else it depends on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

from pydantic import ValidationError

from contract.base import JsonValue, digest
from contract.errors import StorageError
from contract.tool_calls import ToolCall
from contract.tools import AgentToolDefinition
from flows.files.os_error import os_error_text
from flows.results.kept_file import AlteredFile, from_kept, to_kept
from flows.results.locks import Locks
from flows.results.set_aside import SetAside
from flows.results.store import ResultStore, tool_result_path


def tool_call_key(definition: AgentToolDefinition, origin: JsonValue, arguments: Mapping[str, JsonValue]) -> str:
    """The digest under which a call is kept. `origin` is what its result depends on beside it: a corpus, a server."""
    return digest([definition.name, digest(definition), origin, dict(arguments)])


class ToolResults:
    """The kept calls of a run, in the same place as cells and replies. Belongs to one event loop."""

    def __init__(self, store: ResultStore, locks: Locks | None, set_aside: SetAside) -> None:
        self._store, self._locks, self._set_aside = store, locks, set_aside
        self._in_process = WeakValueDictionary[str, asyncio.Lock]()

    async def get(self, key: str) -> ToolCall | None:
        """The call kept under `key`, or None; one that was changed counts as none. Raises StorageError."""
        path = tool_result_path(key)
        try:
            file = await self._store.aread_path(path)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StorageError(f"kept results of tools cannot be read: {error}") from error
        try:
            return ToolCall.model_validate_json(from_kept(key, file)).model_copy(update={"from_cache": True})
        except (AlteredFile, ValidationError) as error:
            reason = error if isinstance(error, AlteredFile) else "it holds no result"
            await self._set_aside.move_altered(path, file, reason)
            return None

    async def put(self, key: str, call: ToolCall) -> None:
        """Keeps the call; when this returns, it outlives the process. Raises StorageError."""
        try:
            await self._store.awrite_path(tool_result_path(key), to_kept(key, call.model_dump_json().encode()))
        except OSError as error:
            raise StorageError(f"the result of a tool cannot be kept: {os_error_text(error)}") from error

    @asynccontextmanager
    async def exclusive(self, key: str) -> AsyncGenerator[None]:
        """While the block runs, no other cell and no other process makes the same call."""
        lock = self._in_process.setdefault(key, asyncio.Lock())
        async with lock:
            if self._locks is None:
                yield
                return
            async with self._locks.exclusive(key):
                yield
