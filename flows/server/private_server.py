"""PrivateServer: a Prefect server for the length of one run, when no other server can be used.

It runs in a process of its own that ends when ours does, however ours ends: it watches a pipe whose other end only our
process holds. It keeps its data where every local Prefect server does, so `prefect server start` shows the runs
afterwards. It is started first and awaited late, because importing the server takes longer than the rest of a small
run.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus
from threading import Thread
from typing import TYPE_CHECKING
from urllib.request import ProxyHandler, build_opener

from contract.errors import RunError
from flows.server.last_words import cause_of_end
from flows.server.prefect_process import SERVER_SETTINGS, listen, serve_prefect

if TYPE_CHECKING:
    import uvicorn

_PRIVATE_SERVER_SETTINGS: Mapping[str, str] = {
    f"PREFECT_SERVER_SERVICES_{service}_ENABLED": "false"
    for service in (
        "SCHEDULER", "LATE_RUNS", "FOREMAN", "TRIGGERS", "PAUSE_EXPIRATIONS", "CANCELLATION_CLEANUP", "REPOSSESSOR",
        "CLEANUP_RECONCILER",
    )
} | {
    # An empty list: `false` would mean the default, which is to delete old events.
    "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": ",",
    "PREFECT_SERVER_UI_ENABLED": "false",
    # Our plugin only chooses a server for commands; the server needs none.
    "PREFECT_PLUGINS_ENABLED": "false",
}  # fmt: skip
"""Switches off the services for schedules, workers and automations, which a server for one run does not need."""

NO_PROXY_OPENER = build_opener(ProxyHandler({}))
"""Opens addresses on this machine without a proxy, even if the environment names one."""

SERVER_START_SECONDS = 120.0
"""How long the server may take to start. The first start on a machine creates the database; on a slow disk that is
slow."""


class PrivateServer:
    """A server process for this command alone."""

    has_page = False

    def __init__(self) -> None:
        self._port = free_port()
        # A file, not a pipe: it is not read while the server runs, and a full pipe would stop the server.
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - closed in stop()
        self._process = subprocess.Popen(  # noqa: S603 - our own module, our own interpreter
            # Without `-P`, Python would import modules from the folder that the command was given in.
            [sys.executable, "-P", "-m", "flows.server.private_server", str(self._port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=self._stderr,
            env={**os.environ, **SERVER_SETTINGS, **_PRIVATE_SERVER_SETTINGS},
            # Ctrl-C in the terminal is for us: the server must outlive it long enough to record how the run ended.
            start_new_session=True,
        )

    @property
    def api_url(self) -> str:
        """The address of its API."""
        return f"http://127.0.0.1:{self._port}/api"

    def wait_until_ready(self) -> None:
        """Waits until the server answers. Raises RunError, with the cause if it has ended."""
        deadline = time.monotonic() + SERVER_START_SECONDS
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise RunError(f"the Prefect server did not start: {self._why_it_ended()}")
            if is_healthy(self.api_url):
                return
            time.sleep(0.05)
        raise RunError(f"the Prefect server did not answer within {SERVER_START_SECONDS:.0f} s")

    def has_ended(self) -> bool:
        """Whether the process has ended, by itself or killed."""
        return self._process.poll() is not None

    def exit_future(self) -> asyncio.Future[str]:
        """A future that is done when the server has ended by itself; its result says why.

        It belongs to the running event loop.
        """
        loop = asyncio.get_running_loop()
        exited: asyncio.Future[str] = loop.create_future()

        def wait() -> None:
            self._process.wait()
            # After the run, the loop is closed and the future is not needed.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(lambda: exited.set_result(self._why_it_ended()))

        Thread(target=wait, daemon=True).start()
        return exited

    def stop(self) -> None:
        """Ends the process, and waits until it has ended."""
        if self._process.stdin:
            self._process.stdin.close()
        self._process.terminate()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._stderr.close()

    def _why_it_ended(self) -> str:
        self._stderr.seek(0)
        if cause := cause_of_end(self._stderr.read().decode(errors="replace")):
            return cause
        code = self._process.poll() or 0
        return f"signal {-code} ended it" if code < 0 else "it wrote no message"


def free_port() -> int:
    """A port of this machine that is not in use now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_healthy(api_url: str) -> bool:
    """Whether a Prefect server answers there."""
    # Not httpx: it reads all certificate authorities each time, on the core that the server needs to start.
    try:
        with NO_PROXY_OPENER.open(f"{api_url}/health", timeout=2) as response:
            return response.status == HTTPStatus.OK
    except OSError:
        return False


def _run_server(port: int) -> None:
    """Runs the server in this process until standard input closes, which happens when the parent process has ended."""

    def until_orphaned(server: uvicorn.Server) -> None:
        # Not through `sys.stdin`, whose lock this thread would hold when the interpreter ends.
        while os.read(0, 4096):
            pass
        server.should_exit = True

    serve_prefect(listen(port), until_orphaned)


if __name__ == "__main__":
    _run_server(int(sys.argv[1]))
