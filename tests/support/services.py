"""Services that commands and clients talk to: a fake model service and a Prefect server, each a process of its own,
and HTTP servers in threads."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from flows.server.private_server import free_port
from tests.support.commands import ROOT, CommandLine, wait_until


class QuietHandler(BaseHTTPRequestHandler):
    """A request handler that logs nothing."""

    def log_message(self, format: str, *args: Any) -> None:
        """Logs nothing."""


@contextmanager
def http_server(handler: type[BaseHTTPRequestHandler]) -> Generator[str]:
    """Serves with that handler on a free port, in threads, for the length of the block; yields the address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class FakeService:
    """`tests.support.fake_llm` in another process."""

    def __init__(self, url: str) -> None:
        self.url = url
        """Without a path; the `base_url` of openai-compatible models ends in `/v1`."""

    def stats(self) -> dict[str, Any]:
        """Its counts."""
        return json.loads(_fetch(f"{self.url}/_stats"))

    def calls(self) -> int:
        """How many calls it has received."""
        return int(_fetch(f"{self.url}/_calls"))

    def script(self, rules: list[dict[str, Any]]) -> None:
        """Sets the rules for its answers."""
        _fetch(f"{self.url}/_script", json.dumps(rules).encode())

    def reset(self) -> None:
        """Forgets calls and rules."""
        _fetch(f"{self.url}/_reset", b"{}")


@contextmanager
def fake_service(latency: float) -> Generator[FakeService]:
    """A fake model service for the length of the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.fake_llm", "--latency", str(latency)],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout
        yield FakeService(process.stdout.readline().strip())
    finally:
        process.kill()
        process.wait()


@contextmanager
def prefect_server(folder: Path, database: Path | None = None, /, **variables: str) -> Generator[str]:
    """`prefect server start`, as a user would run it beside a command; yields the address of its API.

    It uses a copy of `database` if there is one. Keywords are environment variables.
    """
    with prefect_server_process(folder, database, **variables) as (_, url):
        yield url


@contextmanager
def prefect_server_process(
    folder: Path, database: Path | None = None, /, **variables: str
) -> Generator[tuple[subprocess.Popen[bytes], str]]:
    """The same, for a test that acts on the server's process; yields the process too."""
    command_line = CommandLine(folder)
    if database:
        command_line.use_database(database)
    port = free_port()
    url = f"http://127.0.0.1:{port}/api"
    log = folder / "server.log"
    command = [sys.executable, "-m", "prefect", "server", "start", "--port", str(port)]
    with log.open("wb") as log_file:
        # In the project's folder, so that the settings of its pyproject.toml hold.
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=command_line.environment(PREFECT_SERVER_UI_API_URL=url, **variables),
            stdout=log_file,
            stderr=log_file,
        )
    try:
        wait_until(lambda: process.poll() is not None or _is_up(f"{url}/health"), "the Prefect server", 120)
        assert process.poll() is None, log.read_text(encoding="utf-8")
        yield process, url
    finally:
        process.terminate()
        process.wait(30)


def _fetch(url: str, body: bytes | None = None) -> bytes:
    with urllib.request.urlopen(urllib.request.Request(url, data=body), timeout=30) as answer:
        return answer.read()


def _is_up(url: str) -> bool:
    try:
        return bool(_fetch(url))
    except (urllib.error.URLError, OSError):
        return False
