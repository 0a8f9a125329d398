"""The Prefect server of this process: one that runs already, the one of this machine, or a private one to the end."""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from flows.compose.prefect_permission import check_folder_settings
from flows.server.choose_server import (
    API_URL_VARIABLE,
    StartedServer,
    configured_api,
    profile_value,
    server_policy,
    start_server,
    use_running_server,
)
from flows.server.folder_settings import keep_own_settings
from flows.server.private_server import PrivateServer

_QUIET = {
    "PREFECT_LOGGING_LEVEL": "WARNING",
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
    "PREFECT_INTERNAL_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    # Our plugin would set the address that `ProcessServer` sets, and Prefect cannot start plugins in a running loop.
    "PREFECT_PLUGINS_ENABLED": "false",
}


def quieten_prefect() -> None:
    """Makes Prefect write no log of its own, unless the program uses Prefect already or the environment differs."""
    if "prefect" not in sys.modules:
        keep_own_settings(Path.cwd(), os.environ, profile_value)
        for name, value in _QUIET.items():
            os.environ.setdefault(name, value)


class ProcessServer:
    """The server of a process that makes any number of runs, also at once.

    A private one ends with the process. One that stays is held while a run uses it.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._server: StartedServer | None = None
        self._uses = 0

    @property
    def has_page(self) -> bool:
        """Whether there is a page at which a person can answer."""
        return self._server is None or self._server.has_page

    @contextmanager
    def use(self, setting: str | None) -> Generator[str]:
        """Yields the address of an API, and holds its server for the length of the block.

        `setting` is `run.server`. The server may still be starting. Raises RunError when there is none, and
        StudyError where the current folder's files would change it.
        """
        with self._lock:
            self._find_or_start(setting)
            self._uses += 1
        try:
            yield self._server.api_url if self._server else configured_api() or ""
        finally:
            with self._lock:
                self._uses -= 1
                if not self._uses and self._server and not isinstance(self._server, PrivateServer):
                    self._forget()

    def wait_until_ready(self) -> None:
        """Waits until the server that is in use answers. Raises RunError when it has ended."""
        if self._server:
            self._server.wait_until_ready()

    def _find_or_start(self, setting: str | None) -> None:
        if self._server and self._server.has_ended():
            self._forget()
        if self._server is None and not use_running_server():
            check_folder_settings(Path.cwd())
            self._server = start_server(server_policy(setting))
            # For the processes that a run starts.
            os.environ[API_URL_VARIABLE] = self._server.api_url
            if isinstance(self._server, PrivateServer):
                atexit.register(self._server.stop)

    def _forget(self) -> None:
        """Stops a server that this process has named, so that the next run looks for one again."""
        if self._server:
            self._server.stop()
            os.environ.pop(API_URL_VARIABLE, None)
        self._server = None


process_server = ProcessServer()
"""One for each process, as Prefect's settings are."""
