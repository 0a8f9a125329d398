"""Keeps paid replies beside the cells: the `ReplyStore` of `agents.llms.reply_cache`."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from pydantic import ValidationError

from contract.calls import ModelReply
from contract.errors import StorageError
from flows.results.locks import Locks
from flows.results.store import ResultStore, reply_path


class ResultReplyStore:
    """The `ReplyStore` of `agents.llms.reply_cache`, in the same place as the cells.

    With `locks`, other processes may share the place: only one of them at a time then sends the same request.
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
        """Keeps `reply`; when this returns, the reply outlives the process. Raises StorageError."""
        try:
            await self._store.awrite_path(reply_path(key), reply.model_dump_json().encode())
        except OSError as error:
            raise StorageError(f"a reply cannot be kept: {error}") from error

    @asynccontextmanager
    async def exclusive(self, key: str) -> AsyncGenerator[bool]:
        """Holds the lock of `key`, if there are locks, so that no other process sends the request meanwhile.

        Gives True when another process may have kept the reply since it was looked up.
        """
        if self._locks is None:
            yield False
            return
        async with self._locks.exclusive(key):
            yield True
