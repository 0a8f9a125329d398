"""The server that a command starts for itself: two at once on a new machine, and why one of them did not start."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from flows.server.database_lock import database_lock
from flows.server.last_words import cause_of_end
from flows.server.private_server import PrivateServer

TRACEBACK = """\
ERROR:    Traceback (most recent call last):
  File "sqlalchemy/engine.py", line 1, in execute
    cursor.execute(statement)
sqlite3.OperationalError: index ix_flow_run already exists

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "prefect/app.py", line 2, in lifespan
sqlalchemy.exc.OperationalError: (sqlite3.OperationalError) index ix_flow_run already exists
[SQL: CREATE INDEX ix_flow_run]

ERROR:    Application startup failed. Exiting.
Fatal Python error: _enter_buffered_busy: could not acquire lock at interpreter shutdown

Current thread 0x00007f (most recent call first):
  <no Python frame>
"""


@pytest.mark.parametrize(
    ("stderr", "cause"),
    [
        (TRACEBACK, "sqlite3.OperationalError: index ix_flow_run already exists"),
        (f"{TRACEBACK}Traceback (most recent call last):\nValueError: else\n", "ValueError: else"),
        ("a warning\nno space left on the disk\n\n", "no space left on the disk"),
        ("  <no Python frame>\n", None),
    ],
)
def test_the_last_words_are_the_cause(stderr: str, cause: str | None) -> None:
    assert cause_of_end(stderr) == cause


@pytest.mark.slow
def test_two_servers_at_once_on_a_new_machine_both_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    servers = [PrivateServer(), PrivateServer()]
    try:
        for server in servers:
            server.wait_until_ready()
    finally:
        for server in servers:
            server.stop()
    database = tmp_path / "prefect.db"
    with sqlite3.connect(database) as connection:
        assert connection.execute("SELECT count(*) FROM alembic_version").fetchone() == (1,)
    with database_lock(database) as lock:
        assert lock is None, "a database that is made needs no waiting"
