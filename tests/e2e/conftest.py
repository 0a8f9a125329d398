"""What the end-to-end tests share: a Prefect server beside them, and a place for each test."""

from __future__ import annotations

import shutil
from collections.abc import Generator
from pathlib import Path

import pytest

from flows.corpus.index import CorpusIndex
from tests.support.commands import CommandLine
from tests.support.services import prefect_server


@pytest.fixture(scope="package")
def prefect_api(tmp_path_factory: pytest.TempPathFactory, prefect_database: Path) -> Generator[str]:
    """The API of a Prefect server that runs until these tests have ended."""
    with prefect_server(tmp_path_factory.mktemp("server"), prefect_database) as api_url:
        yield api_url


@pytest.fixture
def cli(tmp_path: Path) -> Generator[CommandLine]:
    """A home of its own; fails the test when anything in it tried to leave this machine."""
    place = CommandLine(tmp_path)
    yield place
    assert not place.blocked_connections


@pytest.fixture
def cli_with_server(cli: CommandLine, prefect_api: str, prefect_database: Path) -> CommandLine:
    """A place whose commands use the Prefect server beside them, which is quicker than starting one each time.

    One that is told to start its own all the same finds a database to go on with.
    """
    cli.use_database(prefect_database)
    cli.extra_variables["PREFECT_API_URL"] = prefect_api
    return cli


@pytest.fixture
def prebuilt_index(cli: CommandLine, osb_index: CorpusIndex) -> None:
    """The place's index of the shipped corpus, made before; embedding it takes longer than all else in a command."""
    cli.indexes.mkdir(parents=True)
    shutil.copy(osb_index.location, cli.indexes)
