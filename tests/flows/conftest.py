"""The lab: a folder, a cache and a server for tests that run whole flows."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.agents import make_known
from tests.support.running import Lab


@pytest.fixture
def lab(tmp_path: Path, prefect_api: str, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """An empty study; the test writes its files."""
    make_known(monkeypatch)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return Lab(tmp_path / "study", prefect_api)
