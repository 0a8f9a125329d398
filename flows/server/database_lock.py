"""Lets one server at a time make or update Prefect's database, where that is a SQLite file.

Two servers that make the same database at once disturb each other: one of them finds a table or an index there that it
was about to make, or waits too long for the other's lock, and ends.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import IO

try:
    import fcntl
except ImportError:  # Windows, where servers that start at once are rare and are not kept apart
    fcntl = None


class DatabaseLock:
    """Held from before a server starts until `release`: the database is then there, and up to date."""

    def __init__(self, database: Path, file: IO[str]) -> None:
        self._database = database
        self._file = file

    def release(self) -> None:
        """Notes which database is ready for which version of Prefect, and lets the next server start."""
        if not self._file.closed:
            self._file.seek(0)
            self._file.truncate()
            self._file.write(_ready_mark(self._database))
            self._file.close()


@contextmanager
def database_lock(database: Path | None) -> Generator[DatabaseLock | None]:
    """Waits until no other server makes the database, and holds the lock if it has still to be made or updated."""
    if database is None or fcntl is None:
        yield None
        return
    database.parent.mkdir(parents=True, exist_ok=True)
    with database.with_name(f"{database.name}.making").open("a+", encoding="utf-8") as file:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX)
        file.seek(0)
        if database.exists() and file.read() == _ready_mark(database):
            file.close()
            yield None
        else:
            yield DatabaseLock(database, file)


def _ready_mark(database: Path) -> str:
    return f"{version('prefect')} {database.stat().st_ino}" if database.exists() else ""


def sqlite_file() -> Path | None:
    """Prefect's database; None if it is no file, such as one of PostgreSQL. Imports Prefect."""
    from prefect.settings import PREFECT_API_DATABASE_CONNECTION_URL
    from sqlalchemy import make_url

    url = make_url(str(PREFECT_API_DATABASE_CONNECTION_URL.value()))
    if url.get_backend_name() != "sqlite" or not url.database or ":memory:" in url.database:
        return None
    return Path(url.database).expanduser().absolute()
