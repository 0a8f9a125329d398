"""Databases for a Prefect server: what it has by itself, and a PostgreSQL cluster that lives as long as a test."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from flows.serving import free_port

Database = Callable[[Path], AbstractContextManager[dict[str, str]]]
"""In a folder of its own, for the length of a block; gives the server's environment."""


@contextmanager
def sqlite(_: Path) -> Generator[dict[str, str]]:
    """What the server uses unless told otherwise."""
    yield {}


@contextmanager
def postgresql(folder: Path) -> Generator[dict[str, str]]:
    """A cluster of its own, from Debian's packages, for the length of the block."""
    programs = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), None)
    if programs is None or not (programs / "initdb").exists():
        pytest.skip("there is no PostgreSQL: apt-get install postgresql")
    data, port = folder / "data", free_port()
    # It refuses to run as root, and its files must belong to whom it runs as.
    as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if as_user:
        # The folders of tests are their owner's alone, and it has to get through to its own.
        for path in folder.parents:
            if path.is_relative_to(tempfile.gettempdir()) and path != Path(tempfile.gettempdir()):
                path.chmod(path.stat().st_mode | 0o011)
        shutil.chown(folder, "postgres")
    _run(*as_user, programs / "initdb", "-D", data, "-A", "trust", "-U", "prefect", "--no-sync")
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1"
    _run(*as_user, programs / "pg_ctl", "-D", data, "-w", "-o", options, "-l", folder / "log", "start")
    try:
        _run(*as_user, programs / "createdb", "-h", "127.0.0.1", "-p", port, "-U", "prefect", "prefect")
        yield {"PREFECT_SERVER_DATABASE_CONNECTION_URL": f"postgresql+asyncpg://prefect@127.0.0.1:{port}/prefect"}
    finally:
        _run(*as_user, programs / "pg_ctl", "-D", data, "-w", "-m", "fast", "stop")


def _run(*command: object) -> None:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, cwd="/")
    assert done.returncode == 0, done.stderr


DATABASES: Mapping[str, Database] = {"sqlite": sqlite, "postgresql": postgresql}
