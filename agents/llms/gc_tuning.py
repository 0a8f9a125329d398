"""Garbage: how seldom a process looks for it that makes many objects and keeps most of them."""

from __future__ import annotations

import gc
from collections.abc import Generator
from contextlib import contextmanager


def reduce_garbage_collection() -> None:
    """From now on garbage is looked for seldom, and not among what is there already.

    Hundreds of thousands of objects belong to libraries: a tenth of a cell's work would be to walk them.
    """
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


@contextmanager
def reduced_garbage_collection() -> Generator[None]:
    """The same for the length of the block."""
    previous = gc.get_threshold()
    reduce_garbage_collection()
    try:
        yield
    finally:
        gc.set_threshold(*previous)
        gc.unfreeze()
