"""The Prefect server of this process: one that runs already, or a private one from the first use to the end."""

from __future__ import annotations

import atexit
import os
import sys
from threading import Lock

from flows.server.choose_server import API_URL_VARIABLE, configured_api, use_running_server
from flows.server.private_server import PrivateServer

_QUIET = {
    "PREFECT_LOGGING_LEVEL": "WARNING",
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
    "PREFECT_INTERNAL_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
}


def quieten_prefect() -> None:
    """Makes Prefect write no log of its own, unless the program uses Prefect already or the environment differs."""
    if "prefect" not in sys.modules:
        for name, value in _QUIET.items():
            os.environ.setdefault(name, value)


class ProcessServer:
    """Starts at most one server, and ends it with the process."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._server: PrivateServer | None = None

    @property
    def is_private(self) -> bool:
        """Whether the server is this process's own, which has no page for people."""
        return self._server is not None

    def api_url(self) -> str:
        """Returns the address of the API of a server that answers. Raises RunError when none can be started."""
        with self._lock:
            if self._server is None:
                self._start()
            elif self._server.has_ended():
                self._server.stop()
                self._start()
            if self._server:
                return self._server.api_url
            return configured_api() or ""

    def _start(self) -> None:
        if self._server is None and use_running_server():
            return
        self._server = PrivateServer()
        os.environ[API_URL_VARIABLE] = self._server.api_url
        atexit.register(self._server.stop)
        self._server.wait_until_ready()


process_server = ProcessServer()
"""One for each process, as Prefect's settings are."""
