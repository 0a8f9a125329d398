"""Fixtures of the end-to-end tests: a Prefect server, and a command line that uses it."""

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
def cli_with_server(cli: CommandLine, prefect_api: str, prefect_database: Path) -> CommandLine:
    """A command line that uses the running Prefect server, which is quicker than starting one each time.

    A command that starts its own server anyway finds a database.
    """
    cli.use_database(prefect_database)
    cli.extra_variables["PREFECT_API_URL"] = prefect_api
    return cli


@pytest.fixture
def prebuilt_index(cli: CommandLine, osb_index: CorpusIndex) -> None:
    """Puts an index of the shipped corpus into the cache; embedding it takes longer than the rest of a command."""
    cli.indexes.mkdir(parents=True)
    shutil.copy(osb_index.location, cli.indexes)
