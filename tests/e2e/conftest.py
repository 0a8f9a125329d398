"""What the end-to-end tests share: a Prefect server beside them, and a place for each test."""

from __future__ import annotations

import shutil
from collections.abc import Generator
from pathlib import Path

import pytest

from flows.corpus.index import CorpusIndex
from tests.support.commands import Place
from tests.support.services import server_of_prefect


@pytest.fixture(scope="package")
def prefect_api(tmp_path_factory: pytest.TempPathFactory, database: Path) -> Generator[str]:
    """The API of a Prefect server that runs until these tests have ended."""
    with server_of_prefect(tmp_path_factory.mktemp("server"), database) as api_url:
        yield api_url


@pytest.fixture
def place(tmp_path: Path) -> Generator[Place]:
    """A home of its own; fails the test when anything in it tried to leave this machine."""
    place = Place(tmp_path)
    yield place
    assert not place.blocked


@pytest.fixture
def beside(place: Place, prefect_api: str, database: Path) -> Place:
    """A place whose commands use the Prefect server beside them, which is quicker than starting one each time.

    One that is told to start its own all the same finds a database to go on with.
    """
    place.takes_over(database)
    place.extra["PREFECT_API_URL"] = prefect_api
    return place


@pytest.fixture
def indexed(place: Place, osb: CorpusIndex) -> None:
    """The place's index of the shipped corpus, made before; embedding it takes longer than all else in a command."""
    place.indexes.mkdir(parents=True)
    shutil.copy(osb.place, place.indexes)
