"""What the end-to-end tests share: a Prefect server beside them, and a place for each test."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

from tests.support.commands import Place
from tests.support.services import server_of_prefect


@pytest.fixture(scope="session")
def prefect_api(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    """The API of a Prefect server that runs for the whole session."""
    with server_of_prefect(tmp_path_factory.mktemp("server")) as api_url:
        yield api_url


@pytest.fixture
def place(tmp_path: Path) -> Generator[Place]:
    """A home of its own; fails the test when anything in it tried to leave this machine."""
    place = Place(tmp_path)
    yield place
    assert not place.blocked


@pytest.fixture
def beside(place: Place, prefect_api: str) -> Place:
    """A place whose commands use the Prefect server beside them, which is quicker than starting one each time."""
    place.extra["PREFECT_API_URL"] = prefect_api
    return place
