"""Checks whether a path stays in the folders that it belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def is_inside(path: Path, folders: Sequence[Path]) -> bool:
    """Returns whether a file is in one of the folders, after links are followed."""
    real = path.resolve()
    return any(real.is_relative_to(folder.resolve()) for folder in folders)
