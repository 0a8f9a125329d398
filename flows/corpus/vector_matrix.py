"""Keeps all vectors of an index in memory, and finds the rows with the highest values."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    IdsAndVectors = tuple[NDArray[np.int64], NDArray[np.float32]]


class VectorMatrix:
    """The ids and vectors of an index, read at the first search. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._loaded: IdsAndVectors | None = None

    def load(self, read: Callable[[int], IdsAndVectors], dimensions: int) -> IdsAndVectors:
        """Ids and vectors, row by row; calls `read` the first time, with the length of a vector."""
        with self._lock:
            if self._loaded is None:
                self._loaded = read(dimensions)
            return self._loaded


def top_rows(cosines: NDArray[np.float32], count: int) -> NDArray[np.intp]:
    """Rows of the `count` highest values, highest first; ties in the order of rows."""
    import numpy as np

    if count < len(cosines):
        threshold = np.partition(cosines, len(cosines) - count)[len(cosines) - count]
        rows = np.flatnonzero(cosines >= threshold)
    else:
        rows = np.arange(len(cosines))
    return rows[np.argsort(-cosines[rows], kind="stable")][:count]
