"""Keeps paid replies beside the cells: the `ReplyStore` of `agents.llms.reply_cache`.

A reply that was found unusable is set aside: it stays for the account, and no later run is served it. The run that paid
for it is, so that no run pays twice for the same request.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Iterable
from contextlib import asynccontextmanager
from typing import Protocol

from pydantic import ValidationError

from contract.calls import ModelCall, ModelReply
from contract.errors import StorageError
from flows.files.os_error import os_error_text
from flows.results.kept_file import AlteredFile, from_kept, to_kept
from flows.results.locks import Locks
from flows.results.set_aside import SetAside, set_aside_path
from flows.results.store import ResultStore, reply_path


class ReplyJournal(Protocol):
    """Records what became of replies that were paid for: those that are not kept are billed, too."""

    def reply_kept(self, key: str) -> None:
        """Records that the reply outlives the process."""
        ...

    def reply_set_aside(self, key: str, reply: ModelReply, *, counted_with: str) -> None:
        """Records that later runs are not served the reply, whoever paid for it.

        It is in the account of every run that makes the call with the key `counted_with`.
        """
        ...


class ResultReplyStore:
    """The `ReplyStore` of `agents.llms.reply_cache`, in the same place as the cells.

    With `locks`, other processes may share the place: only one of them at a time then sends the same request. With
    `again`, refusals of earlier runs are not served. With `read_only`, nothing is written.
    """

    def __init__(
        self,
        store: ResultStore,
        locks: Locks | None = None,
        set_aside: SetAside | None = None,
        journal: ReplyJournal | None = None,
        *,
        again: bool = False,
        read_only: bool = False,
    ) -> None:
        self._store = store
        self._locks = locks
        self._set_aside = None if read_only else set_aside or SetAside(store)
        self._journal = journal
        self._again = again
        self._paid = set[str]()
        """The keys of replies that this run paid for."""
        self._unusable = dict[str, ModelReply]()
        """Replies of this run that were set aside, by key."""

    async def get(self, key: str) -> ModelReply | None:
        """The reply kept under `key`, or None; one that was changed, or that no run is to be served, counts as none."""
        if found := self._unusable.get(key):
            return found
        path = reply_path(key)
        try:
            file = await self._store.aread_path(path)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StorageError(f"kept replies cannot be read: {error}") from error
        try:
            reply = ModelReply.model_validate_json(from_kept(key, file))
        except (AlteredFile, ValidationError) as error:
            reason = error if isinstance(error, AlteredFile) else "it holds no reply"
            if self._set_aside:
                await self._or_storage_error(self._set_aside.move_altered(path, file, reason))
            return None
        if not self._is_served(key, reply):
            if self._set_aside:
                await self._or_storage_error(self._set_aside.move(path, file))
                self._note_set_aside(key, reply)
            return None
        return reply

    def _is_served(self, key: str, reply: ModelReply) -> bool:
        if reply.finish_reason == "length":
            return False
        return not (self._again and reply.finish_reason == "refusal" and key not in self._paid)

    async def put(self, key: str, reply: ModelReply) -> None:
        """Keeps `reply`; when this returns, the reply outlives the process. A cut one is set aside at once.

        Raises StorageError.
        """
        if self._set_aside is None:
            return
        file, path = to_kept(key, reply.model_dump_json().encode()), reply_path(key)
        if reply.finish_reason == "length":
            path = set_aside_path(path, file)
        await self._or_storage_error(self._store.awrite_path(path, file))
        self._paid.add(key)
        if reply.finish_reason == "length":
            self._note_set_aside(key, reply)
        elif self._journal:
            self._journal.reply_kept(key)

    def _note_set_aside(self, key: str, reply: ModelReply, sent_as: str | None = None) -> None:
        if self._journal:
            self._journal.reply_set_aside(sent_as or key, reply, counted_with=key)

    async def set_aside(self, calls: Iterable[ModelCall]) -> bool:
        """Sets the replies of those calls of one cell aside. Returns whether other replies are now to be had.

        They are not where this run paid for one of them, which it is then served again. Raises StorageError.
        """
        answered = {call.key: call.reply for call in calls if call.reply}
        # A later run asks the first again, and perhaps none of those that followed from its reply.
        first = next(iter(answered), "")
        self._unusable.update({key: reply for key, reply in answered.items() if key in self._paid})
        moved = [key for key in answered if await self._move(reply_path(key))]
        for key in moved:
            self._note_set_aside(first, answered[key], sent_as=key)
        return bool(moved) and not self._paid.intersection(answered)

    async def _move(self, path: str) -> bool:
        if self._set_aside is None:
            return False
        try:
            file = await self._store.aread_path(path)
        except FileNotFoundError:
            return False
        await self._or_storage_error(self._set_aside.move(path, file))
        return True

    @staticmethod
    async def _or_storage_error(writing: Awaitable[object]) -> None:
        try:
            await writing
        except OSError as error:
            raise StorageError(f"a reply cannot be kept: {os_error_text(error)}") from error

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


def holds_reply(store: ResultStore, key: str, reply: ModelReply) -> bool:
    """Whether the storage holds that reply under that key, has set it aside, or holds none there."""
    path = reply_path(key)
    try:
        kept = from_kept(key, store.read(path))
    except FileNotFoundError:
        return True
    except (AlteredFile, OSError):
        return False
    written = reply.model_dump_json().encode()
    if kept == written or _is_equal(kept, reply):
        return True
    return any(_is_there(store, set_aside_path(path, file)) for file in (to_kept(key, written), written))


def _is_equal(kept: bytes, reply: ModelReply) -> bool:
    try:
        return ModelReply.model_validate_json(kept) == reply
    except ValidationError:
        return False


def _is_there(store: ResultStore, path: str) -> bool:
    try:
        return bool(store.read(path))
    except OSError:
        return False
