"""Reduces garbage collection in a process that makes many objects and keeps most of them."""

from __future__ import annotations

import gc
from collections.abc import Generator
from contextlib import contextmanager


def make_garbage_collection_rare() -> None:
    """For a process that imports and composes first of all, and keeps what comes of it."""
    gc.set_threshold(50_000, 20, 100)


def reduce_garbage_collection() -> None:
    """Makes garbage collection rare from now on, and excludes the objects that exist already.

    Libraries own hundreds of thousands of objects. Visiting them would take a tenth of the work of a cell.
    """
    gc.freeze()
    make_garbage_collection_rare()


@contextmanager
def reduced_garbage_collection() -> Generator[None]:
    """Does the same while the block runs, and restores the settings after it.

    What a command has frozen before stays so, with what the block froze: thawed, all of it would be visited at once.
    """
    previous, was_frozen = gc.get_threshold(), gc.get_freeze_count() > 0
    reduce_garbage_collection()
    try:
        yield
    finally:
        if was_frozen:
            gc.freeze()
        gc.set_threshold(*previous)
        if not was_frozen:
            gc.unfreeze()
