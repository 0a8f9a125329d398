"""Garbage collection is rare while a block makes many objects, and afterwards as it was."""

from __future__ import annotations

import gc
from collections.abc import Generator

import pytest

from agents.llms.gc_tuning import reduced_garbage_collection

MANY = 10_000


@pytest.fixture(autouse=True)
def untuned() -> Generator[None]:
    """As Python starts; the tests' own process collects rarely."""
    tuned = gc.get_threshold()
    gc.unfreeze()
    gc.set_threshold(700, 10, 10)
    yield
    gc.unfreeze()
    gc.set_threshold(*tuned)


def test_settings_are_restored_and_nothing_stays_frozen() -> None:
    before = gc.get_threshold()
    with reduced_garbage_collection():
        assert gc.get_threshold()[0] > before[0] and gc.get_freeze_count()
    assert gc.get_threshold() == before and not gc.get_freeze_count()


def test_what_a_command_has_frozen_is_not_visited_at_the_end_of_the_block() -> None:
    gc.freeze()
    frozen = gc.get_freeze_count()
    with reduced_garbage_collection():
        kept = [[number] for number in range(MANY)]
    assert gc.get_freeze_count() >= frozen + MANY, "thawed objects would all be visited at once"
    assert len(kept) == MANY
