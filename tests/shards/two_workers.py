"""Checks of workers that share a result storage: the same for a folder and for a bucket."""

from __future__ import annotations

import asyncio
import time

from agents.llms.reply_cache import CachedReplies
from agents.llms.scripted import Scripted
from contract.calls import ModelReply, ModelRequest
from contract.errors import ModelUnavailable
from flows.results.heartbeat import heartbeat, heartbeat_path
from flows.results.locks import Locks, lock_path
from flows.results.replies import ResultReplyStore
from flows.results.store import ResultStore
from tests.agents.llms.requests import make_request

LOST_AFTER = 0.6
KEY = make_request().cache_key(reads_material=False)


class SlowModel(Scripted):
    """Takes 0.1 s for each call; the first `failures` calls fail."""

    def __init__(self, failures: int = 0) -> None:
        super().__init__("m", lambda _: "yes")
        self.failures = failures

    async def complete(self, request: ModelRequest) -> ModelReply:
        """One reply, counted."""
        await asyncio.sleep(0.1)
        if self.failures:
            self.failures -= 1
            raise ModelUnavailable("not now")
        return await super().complete(request)


def model_of_worker(store: ResultStore, name: str, model: Scripted) -> CachedReplies:
    """The model as a run of that name calls it."""
    return CachedReplies(model, ResultReplyStore(store, Locks(store, name, LOST_AFTER)))


async def one_of_two_pays(store: ResultStore) -> None:
    """Two runs ask the same at once; one call is made, and both get the reply."""
    model = SlowModel()
    with heartbeat(store, "a", LOST_AFTER), heartbeat(store, "b", LOST_AFTER):
        replies = await asyncio.gather(
            *(model_of_worker(store, name, model).complete(make_request()) for name in ("a", "b"))
        )
    assert model.calls == 1
    assert sorted(reply.from_cache for reply in replies) == [False, True]
    assert is_missing(store, lock_path(KEY, 0)) and is_missing(store, heartbeat_path("a"))


async def the_other_asks_when_one_fails(store: ResultStore) -> None:
    """A call that failed gives its lock back."""
    model = SlowModel(failures=1)
    with heartbeat(store, "a", LOST_AFTER), heartbeat(store, "b", LOST_AFTER):
        asked = (model_of_worker(store, name, model).complete(make_request()) for name in ("a", "b"))
        ended = await asyncio.gather(*asked, return_exceptions=True)
    assert sorted(type(end).__name__ for end in ended) == ["ModelReply", "ModelUnavailable"]
    assert model.calls == 1


async def a_lost_worker_delays_the_others_only_shortly(store: ResultStore) -> None:
    """The lock of a run without a heartbeat is taken over by one of the waiting runs only."""
    store.put(heartbeat_path("gone"), b'{"beat": 7}')
    assert store.create(lock_path(KEY, 0), b"gone 1")
    model, started = SlowModel(), time.monotonic()
    names = ("a", "b", "c")
    with heartbeat(store, "a", LOST_AFTER), heartbeat(store, "b", LOST_AFTER), heartbeat(store, "c", LOST_AFTER):
        replies = await asyncio.gather(
            *(model_of_worker(store, name, model).complete(make_request()) for name in names)
        )
    assert model.calls == 1
    assert sorted(reply.from_cache for reply in replies) == [False, True, True]
    # Generous above, since machines are busy at times; nobody who waits for the lost run itself ever ends.
    assert LOST_AFTER < time.monotonic() - started < LOST_AFTER * 100
    assert is_missing(store, lock_path(KEY, 0)) and is_missing(store, lock_path(KEY, 1))


async def a_slow_worker_is_waited_for(store: ResultStore) -> None:
    """A run with a heartbeat keeps its lock, however long its call takes."""
    model = SlowModel()
    with heartbeat(store, "a", LOST_AFTER):
        async with Locks(store, "a", LOST_AFTER).exclusive(KEY):
            waiting = asyncio.create_task(model_of_worker(store, "b", model).complete(make_request()))
            await asyncio.sleep(LOST_AFTER * 2)
            assert model.calls == 0 and not waiting.done()
        await waiting
    assert model.calls == 1


def is_missing(store: ResultStore, path: str) -> bool:
    """Whether the storage holds nothing at that path."""
    try:
        store.read(path)
    except FileNotFoundError:
        return True
    return False


TWO_WORKER_CHECKS = (
    one_of_two_pays,
    the_other_asks_when_one_fails,
    a_lost_worker_delays_the_others_only_shortly,
    a_slow_worker_is_waited_for,
)
