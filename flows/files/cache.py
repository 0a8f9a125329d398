"""The cache folder of the user."""

from __future__ import annotations

from pathlib import Path

from platformdirs import user_cache_path


def cache_folder() -> Path:
    """Where indexes and results are kept unless the study says otherwise: the user's cache folder."""
    return user_cache_path("buttermilk", appauthor=False)
