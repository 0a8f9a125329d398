"""Whether a path leads out of the folders that it has to stay in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def is_inside(path: Path, folders: Sequence[Path]) -> bool:
    """Whether a file, links followed, is in one of the folders."""
    real = path.resolve()
    return any(real.is_relative_to(folder.resolve()) for folder in folders)
