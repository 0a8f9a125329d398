"""Keeps a library's warning of counts that it cannot read off the console: such counts are unknown, as elsewhere."""

from __future__ import annotations

import warnings
from collections.abc import Generator
from contextlib import contextmanager

from pydantic_ai.exceptions import UsageExtractionFailedWarning


@contextmanager
def silent_odd_counts() -> Generator[None]:
    """Silences that one warning in a block without `await`, so that no other work runs meanwhile."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UsageExtractionFailedWarning)
        yield
