"""Databases for a Prefect server: its own SQLite file, and a PostgreSQL cluster that lives as long as a test."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from flows.server.private_server import free_port

Database = Callable[[], AbstractContextManager[dict[str, str]]]
"""Provides a database for the length of a block; yields environment variables for the server."""


@contextmanager
def sqlite() -> Generator[dict[str, str]]:
    """The server's default database."""
    yield {}


@contextmanager
def postgresql() -> Generator[dict[str, str]]:
    """A cluster of its own, from Debian's packages, for the length of the block."""
    programs = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), None)
    if programs is None or not (programs / "initdb").exists():
        pytest.skip("there is no PostgreSQL: apt-get install postgresql")
    # PostgreSQL refuses to run as root and cannot enter the folders of tests, which only their owner may read.
    as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    with tempfile.TemporaryDirectory(prefix="postgresql-", ignore_cleanup_errors=True) as name:
        folder, port = Path(name), free_port()
        if as_user:
            shutil.chown(folder, "postgres")
        control = [*as_user, programs / "pg_ctl", "-D", folder / "data", "-w"]
        options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1"
        _run(*as_user, programs / "initdb", "-D", folder / "data", "-A", "trust", "-U", "prefect", "--no-sync")
        _run(*control, "-o", options, "-l", folder / "log", "start")
        try:
            _run(*as_user, programs / "createdb", "-h", "127.0.0.1", "-p", port, "-U", "prefect", "prefect")
            yield {"PREFECT_SERVER_DATABASE_CONNECTION_URL": f"postgresql+asyncpg://prefect@127.0.0.1:{port}/prefect"}
        finally:
            _run(*control, "-m", "fast", "stop")


def _run(*command: object) -> None:
    done = subprocess.run(
        [str(part) for part in command],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        cwd="/",
    )
    assert done.returncode == 0, done.stderr


DATABASES: Mapping[str, Database] = {"sqlite": sqlite, "postgresql": postgresql}
