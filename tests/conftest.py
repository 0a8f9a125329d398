"""What all tests share: a Prefect home of their own, and one real Prefect server for those that run flows."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

# Before anything imports Prefect, which reads its settings then.
_HOME = tempfile.TemporaryDirectory(prefix="prefect-of-tests-", ignore_cleanup_errors=True)
os.environ["PREFECT_HOME"] = _HOME.name
os.environ.pop("PREFECT_API_URL", None)
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
os.environ.setdefault("PREFECT_LOGGING_LEVEL", "WARNING")


@pytest.fixture(scope="session")
def prefect_home() -> Path:
    """Where the tests' Prefect server keeps its database."""
    return Path(_HOME.name)


@pytest.fixture(scope="session")
def prefect_api() -> Generator[str]:
    """The API of a real server, one for all tests; its first start makes the database."""
    from flows.serving import PrivateServer

    server = PrivateServer()
    try:
        server.wait()
        yield server.api_url
    finally:
        server.stop()
