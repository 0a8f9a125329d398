"""Each reply is paid for once even when two workers need it at once; a lock costs little time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from flows.results.heartbeat import heartbeat
from flows.results.locks import Attempt, Locks, attempt_path
from flows.results.open import result_store
from flows.results.process_file import ProcessFile, place_of
from flows.results.store import ResultStore
from tests.shards.two_workers import TWO_WORKER_CHECKS

MOST_COST = 20
"""A lock taken and given back, in times of making a file and removing it; about 2 are usual."""


@pytest.mark.parametrize("check", TWO_WORKER_CHECKS, ids=lambda check: check.__name__)
async def test_two_workers_share_a_folder(check: Callable[[ResultStore], Awaitable[None]], tmp_path: Path) -> None:
    await check(result_store(str(tmp_path)))


async def test_a_retried_run_does_not_wait_for_locks_of_its_lost_attempt(tmp_path: Path) -> None:
    store = result_store(str(tmp_path))
    killed, again = (Locks(store, "run", 60) for _ in range(2))
    with heartbeat(store, "run", 60):
        await killed.exclusive("key").__aenter__()  # and never left
        async with asyncio.timeout(60), again.exclusive("key"):
            assert len(list((tmp_path / "locks").glob("*/*"))) == 2
    assert not list((tmp_path / "locks").glob("*/*"))


async def test_the_lock_of_a_process_of_this_machine_that_ended_is_free_at_once(tmp_path: Path) -> None:
    store = result_store(str(tmp_path))

    def locks(name: str) -> tuple[Locks, ProcessFile]:
        file = ProcessFile(attempt_path(store, name))
        return Locks(store, f"run-of-{name}", 60, Attempt(name, place_of(store.journal_folder))), file

    (killed, its_file), (waiting, _) = locks("killed"), locks("waiting")
    held = [killed.exclusive(key) for key in ("asked again", "never again")]
    for lock in held:
        await lock.__aenter__()  # and never left
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2), waiting.exclusive("asked again"):
            pass
    its_file.close()  # as the operating system does at a kill
    async with asyncio.timeout(60), waiting.exclusive("asked again"):
        await waiting.remove_lost(["never again"])
    assert not [path for path in (tmp_path / "locks").glob("*/*") if path.is_file()]


async def test_a_lock_costs_little(tmp_path: Path) -> None:
    store, turns = result_store(str(tmp_path)), 500
    locks = Locks(store, "a", 60)
    started = time.perf_counter()
    for number in range(turns):
        assert store.create(f"files/{number % 16:x}/{number}", b"a 1")
        store.remove(f"files/{number % 16:x}/{number}")
    files, started = time.perf_counter() - started, time.perf_counter()
    for number in range(turns):
        async with locks.exclusive(f"{number % 16:x}{number}"):
            pass
    taken = time.perf_counter() - started
    print(f"\na lock taken and given back: {taken * 1000 / turns:.3f} ms, {taken / files:.1f} times a file's making")
    assert taken < MOST_COST * files
    assert not list((tmp_path / "locks").glob("*/*"))
