"""What two workers do that share a result storage: the same claims for a folder and for a bucket."""

from __future__ import annotations

import asyncio
import time

from agents.llms.reply_cache import KeptReplies
from agents.llms.scripted import Scripted
from contract.calls import ModelReply, ModelRequest
from contract.errors import ModelUnavailable
from flows.results.heartbeat import alive, alive_path
from flows.results.locks import Locks, lock_path
from flows.results.replies import KeptInResults
from flows.results.store import ResultStore
from tests.agents.llms.requests import request

LOST_AFTER = 0.6
KEY = request().key(reads_material=False)


class Slow(Scripted):
    """Takes its time, and fails as often as it is told to."""

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


def worker(store: ResultStore, name: str, model: Scripted) -> KeptReplies:
    """The model as a run of that name asks it."""
    return KeptReplies(model, KeptInResults(store, Locks(store, name, LOST_AFTER)))


async def one_of_two_pays(store: ResultStore) -> None:
    """Two runs ask the same at once; one call is made, and both have the reply."""
    model = Slow()
    with alive(store, "a", LOST_AFTER), alive(store, "b", LOST_AFTER):
        replies = await asyncio.gather(*(worker(store, name, model).complete(request()) for name in ("a", "b")))
    assert model.calls == 1
    assert sorted(reply.from_cache for reply in replies) == [False, True]
    assert gone(store, lock_path(KEY, 0)) and gone(store, alive_path("a"))


async def the_other_asks_when_one_fails(store: ResultStore) -> None:
    """A call that failed gives its lock back."""
    model = Slow(failures=1)
    with alive(store, "a", LOST_AFTER), alive(store, "b", LOST_AFTER):
        asked = (worker(store, name, model).complete(request()) for name in ("a", "b"))
        ended = await asyncio.gather(*asked, return_exceptions=True)
    assert sorted(type(end).__name__ for end in ended) == ["ModelReply", "ModelUnavailable"]
    assert model.calls == 1


async def a_lost_worker_holds_nobody_up_for_long(store: ResultStore) -> None:
    """The lock of a run that fell silent is passed by one of those that wait, and by that one alone."""
    store.put(alive_path("gone"), b'{"beat": 7}')
    assert store.create(lock_path(KEY, 0), b"gone 1")
    model, started = Slow(), time.monotonic()
    names = ("a", "b", "c")
    with alive(store, "a", LOST_AFTER), alive(store, "b", LOST_AFTER), alive(store, "c", LOST_AFTER):
        replies = await asyncio.gather(*(worker(store, name, model).complete(request()) for name in names))
    assert model.calls == 1
    assert sorted(reply.from_cache for reply in replies) == [False, True, True]
    assert LOST_AFTER < time.monotonic() - started < LOST_AFTER * 10
    assert gone(store, lock_path(KEY, 0)) and gone(store, lock_path(KEY, 1))


async def a_slow_one_is_waited_for(store: ResultStore) -> None:
    """A run that tells that it goes on keeps its lock, however long its call takes."""
    model = Slow()
    with alive(store, "a", LOST_AFTER):
        async with Locks(store, "a", LOST_AFTER).alone(KEY):
            waiting = asyncio.create_task(worker(store, "b", model).complete(request()))
            await asyncio.sleep(LOST_AFTER * 2)
            assert model.calls == 0 and not waiting.done()
        await waiting
    assert model.calls == 1


def gone(store: ResultStore, path: str) -> bool:
    """Whether there is nothing there."""
    try:
        store.read(path)
    except FileNotFoundError:
        return True
    return False


MEETINGS = (
    one_of_two_pays,
    the_other_asks_when_one_fails,
    a_lost_worker_holds_nobody_up_for_long,
    a_slow_one_is_waited_for,
)
