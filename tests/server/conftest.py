"""A machine for commands that leave a Prefect server."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

from flows.server.private_server import free_port
from tests.support.commands import CommandLine


@pytest.fixture
def machine(cli: CommandLine, prefect_database: Path) -> Generator[CommandLine]:
    """A command line on a machine where a server's usual port is free; no server is left when the test has ended."""
    cli.use_database(prefect_database)
    cli.extra_variables["PREFECT_SERVER_API_PORT"] = str(free_port())
    yield cli
    cli.run("flows", "server", "stop", "now")
    assert not cli.leftover_processes()
